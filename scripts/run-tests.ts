/** `node scripts/run-tests.ts [NAME …]`: all checks and all suites, or the tests of that name; ends with a line of totals. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
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

interface Check {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  /** What to do when it fails, where its own words do not say. */
  readonly advice?: string
}

const CHECKS: readonly Check[] = [
  { name: 'generated types', command: ['node', 'scripts/generate-api.ts', '--check'] },
  {
    name: 'format and lint',
    command: ['biome', 'check', '.'],
    advice: 'npm run format mends what can be mended by itself',
  },
  { name: 'types', command: ['tsc', '-p', '.'] },
  { name: 'promises and types', command: ['oxlint', '--type-aware', '--deny-warnings', 'src'] },
  { name: 'import rules', command: ['node', 'scripts/checks/imports.ts'] },
  {
    name: 'unused code',
    command: ['knip'],
    advice:
      'delete what nobody uses; drop the "export" of what only its own file uses; remove dependencies that nothing imports',
  },
  { name: 'repository checks', command: ['node', 'scripts/checks/run.ts'] },
]

const failures: string[] = []
let passed = 0
let skipped: string[] = []

function runCheck({ name, command, advice }: Check): void {
  const [file, ...args] = command
  const { status } = spawnSync(file, args, { stdio: 'inherit' })
  console.log(`${status === 0 ? '✓' : '✗'} check: ${name}`)
  if (status === 0) passed++
  else failures.push(`check: ${name} (${command.join(' ')})${advice ? `: ${advice}` : ''}`)
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

/**
 * A word that looks like a path goes to the runner as it is. Any other is looked for in titles: in the files that have it
 * written down, or in all when none has (titles with placeholders).
 */
function argumentsFor(names: readonly string[]): string[] {
  const isPath = (name: string): boolean => /^[\w./-]+$/.test(name) || name.startsWith('-')
  return names.flatMap(name => (isPath(name) ? [name] : [...filesWith(name), '-t', name]))
}

const filesWith = (title: string): string[] =>
  ['src', 'test']
    .flatMap(folder => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(path => join(folder, path)))
    .filter(path => path.endsWith('.test.ts') && readFileSync(path, 'utf8').includes(title))

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
