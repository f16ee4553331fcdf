/** `node scripts/run-tests.ts [NAME …]`: all checks and all suites, or the tests of that name; ends with a line of totals. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

const CHECKS: readonly (readonly [name: string, ...command: string[]])[] = [
  ['generated types', 'node', 'scripts/generate-api.ts', '--check'],
  ['format and lint', 'biome', 'check', '.'],
  ['types', 'tsc', '-p', '.'],
  ['promises and types', 'oxlint', '--type-aware', '--deny-warnings', 'src'],
  ['import rules', 'node', 'scripts/checks/imports.ts'],
  ['unused code', 'knip'],
  ['repository checks', 'node', 'scripts/checks/run.ts'],
]

const failures: string[] = []
let passed = 0
let skipped: string[] = []

function runCheck([name, ...command]: (typeof CHECKS)[number]): void {
  const { status } = spawnSync(command[0]!, command.slice(1), { stdio: 'inherit' })
  console.log(`${status === 0 ? '✓' : '✗'} check: ${name}`)
  if (status === 0) passed++
  else failures.push(`check: ${name} (${command.join(' ')})`)
}

function runSuites(args: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-tests-'))
  const output = join(folder, 'report.json')
  const { status } = spawnSync(
    'vitest',
    ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${output}`, ...args],
    {
      stdio: 'inherit',
    },
  )
  if (!existsSync(output)) {
    failures.push('the test runner wrote no report')
    return
  }
  const report = JSON.parse(readFileSync(output, 'utf8')) as Report
  rmSync(folder, { recursive: true })
  passed += report.numPassedTests
  for (const { name, status: fileStatus, assertionResults } of report.testResults) {
    const failed = assertionResults.filter(test => test.status === 'failed')
    for (const test of failed) failures.push(`${name}: ${test.fullName}`)
    if (fileStatus === 'failed' && failed.length === 0) failures.push(`${name}: the file itself failed`)
    skipped = skipped.concat(
      assertionResults
        .filter(test => test.status === 'pending' || test.status === 'skipped')
        .map(test => test.fullName),
    )
  }
  if (status !== 0 && failures.length === 0) failures.push(`the test runner ended with ${status}`)
}

/** A word that names a file goes to the runner as it is; any other is looked for in titles. */
function argumentsFor(names: readonly string[]): string[] {
  const isTitle = (name: string): boolean => !/^[\w./-]+$/.test(name) && !name.startsWith('-')
  return names.flatMap(name => (isTitle(name) ? ['-t', name] : [name]))
}

const names = process.argv.slice(2)
const isOnlyChecks = names[0] === '--checks'
if (names.length === 0 || isOnlyChecks) for (const check of CHECKS) runCheck(check)
if (!isOnlyChecks) runSuites(argumentsFor(names))
for (const failure of failures) console.log(`failed: ${failure}`)
for (const name of names.length === 0 ? skipped : []) console.log(`skipped: ${name}`)
console.log(
  `${passed} passed, ${failures.length} failed${names.length === 0 && skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
)
process.exitCode = failures.length === 0 && passed > 0 ? 0 : 1
