import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { expect, onTestFinished, test } from 'vitest'
import { isOnPath } from '../../host/preflight.ts'
import { completionScript } from './completion.ts'

const program = new Command('holdfast')
program.command('up').option('--nodes <N>').option('--machine [true|false]').option('--no-machine')
const node = program.command('node')
node.command('cut <name>').option('--data-dir <dir>')
node.command('heal <name>')

function scriptFor(shell: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-completion-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, '_holdfast')
  writeFileSync(path, completionScript(shell, program))
  return path
}

const path = process.env.PATH ?? ''
const lines = (file: string, ...args: string[]) =>
  execFileSync(file, args, { encoding: 'utf8' }).split('\n').filter(Boolean).sort()

test.each([
  [['holdfast', 'n'], ['node']],
  [
    ['holdfast', 'up', '--n'],
    ['--no-machine', '--nodes'],
  ],
  [
    ['holdfast', 'node', ''],
    ['--help', 'cut', 'heal'],
  ],
  [['holdfast', 'node', 'cut', '--d'], ['--data-dir']],
  [['holdfast', 'node', 'cut', 'node1', '--d'], ['--data-dir']],
])('bash completes %j', (words, expected) => {
  const typed = words.map(word => `'${word}'`).join(' ')
  const ask = `source ${scriptFor('bash')}; COMP_WORDS=(${typed}); COMP_CWORD=${words.length - 1}; _holdfast; printf '%s\\n' "\${COMPREPLY[@]}"`
  expect(lines('bash', '-c', ask)).toEqual(expected)
})

test.runIf(isOnPath('zsh', path))('zsh loads the script and knows the command', () => {
  const ask = `autoload -U compinit && compinit -u -D && source ${scriptFor('zsh')} && echo $_comps[holdfast]`
  expect(lines('zsh', '-f', '-c', ask)).toEqual(['_bash_complete -F _holdfast'])
})

test.runIf(isOnPath('fish', path)).each([
  ['holdfast n', ['node']],
  ['holdfast node ', ['cut', 'heal']],
  ['holdfast up --n', ['--no-machine', '--nodes']],
  ['holdfast node cut --d', ['--data-dir']],
])('fish completes "%s"', (typed, expected) => {
  expect(lines('fish', '--no-config', '-c', `source ${scriptFor('fish')}; complete -C '${typed}'`)).toEqual(expected)
})

test('another shell is refused with the names of those that are known', () => {
  expect(() => completionScript('tcsh', program)).toThrow('no completion for "tcsh"')
})
