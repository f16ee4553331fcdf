/** Every numbered rule of StatefulSets has a test whose title begins with it: `O10, U19: a ready Pod counts only …`. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './source-files.ts'

/** The last number of each group: fields, validation, REST, identity, storage … printed tables, kubectl, known bugs … */
const LAST_BY_GROUP = {
  F: 16,
  V: 29,
  R: 6,
  I: 10,
  S: 19,
  L: 11,
  O: 22,
  U: 19,
  RC: 5,
  H: 11,
  T: 14,
  E: 10,
  D: 11,
  N: 8,
  P: 17,
  K: 19,
  B: 26,
  X: 28,
  Y: 10,
  W: 10,
} as const

/** Rules that no test names, and why. This list only shrinks. */
const UNNAMED: { readonly [rule: string]: string } = {
  F16: 'tells what 1.20 did not have',
  V2: 'what kubectl prints',
  V22: 'words of 1.36, replaced by those of V24',
  V23: 'words of 1.20',
  R6: 'there is no autoscaler here yet; disruption budgets are proved with their controller',
  E10: 'events of other components',
  X18: 'needs the images of that product',
  X19: 'needs the images of that product',
  X20: 'needs the images of that product',
}

const RULE = /\b([A-Z]{1,2})(\d+)[a-f]?(?:–[A-Z]{0,2}(\d+))?/g
/** What stands before the first colon of a text that begins with a rule or an issue. */
const TITLE = /['"`]((?:[A-Z]{1,2}\d|#\d)[^:'"`\n]*):\s/g

/** Rules without a test, and exceptions that are none. */
export function statefulSetRuleProblems(): string[] {
  const named = namedRules()
  const rules = Object.entries(LAST_BY_GROUP).flatMap(([group, last]) =>
    Array.from({ length: last }, (_, index) => `${group}${index + 1}`),
  )
  return rules.flatMap(rule => {
    if (named.has(rule))
      return UNNAMED[rule] ? [`${rule} has a test now; take it off scripts/checks/stateful-set-rules.ts`] : []
    return UNNAMED[rule] ? [] : [`no test names rule ${rule} of StatefulSets; begin the title of one with "${rule}: "`]
  })
}

function namedRules(): ReadonlySet<string> {
  const named = new Set<string>()
  for (const text of testTexts()) {
    for (const [, title = ''] of text.matchAll(TITLE)) {
      for (const [, group = '', first = '', last = first] of title.matchAll(RULE)) {
        for (let number = Number(first); number <= Number(last); number++) named.add(`${group}${number}`)
      }
    }
  }
  return named
}

const testTexts = (): readonly string[] =>
  ['src', 'test'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(path => path.endsWith('.test.ts'))
      .map(path => readFileSync(join(root, folder, path), 'utf8')),
  )
