import { expect, test } from 'vitest'
import {
  dns1035LabelProblems,
  dnsLabelProblems,
  dnsSubdomainProblems,
  labelValueProblems,
  portNameProblems,
  qualifiedNameProblems,
} from './names.ts'

test.each([
  ['label', dnsLabelProblems, ['a', 'web-0', '0web', 'a'.repeat(63)], ['', 'Web', 'a.b', '-a', 'a-', 'a'.repeat(64)]],
  ['subdomain', dnsSubdomainProblems, ['a.b', 'web-0.x', 'a'.repeat(253)], ['', 'a..b', '.a', 'a_b', 'a'.repeat(254)]],
  ['service name', dns1035LabelProblems, ['a', 'web-0'], ['0web', 'Web', '']],
  [
    'qualified name',
    qualifiedNameProblems,
    ['app', 'a.b/c', 'A_b.c-d'],
    ['', '/a', 'a/', 'a/b/c', 'Up.per/a', '-a', 'a'.repeat(64)],
  ],
  ['label value', labelValueProblems, ['', 'A_b.c', 'x'.repeat(63)], ['-', 'a b', 'x'.repeat(64)]],
  ['port name', portNameProblems, ['http', 'a1', '8080-tcp'], ['', 'HTTP', '80', 'a--b', '-a', 'a'.repeat(16)]],
] as const)('a %s is told from what is none', (_, problemsOf, good, bad) => {
  for (const text of good) expect(problemsOf(text), text).toEqual([])
  for (const text of bad) expect(problemsOf(text), text).not.toEqual([])
})
