import { beforeEach, expect, test } from 'vitest'
import type { Commands } from '../../machinery/commands.ts'
import { silentLogger } from '../../machinery/logger.ts'
import { SESSION_CHARACTERS_MAX } from './nft-session.ts'
import { RuleWriter } from './rule-writer.ts'
import type { Transaction } from './table.ts'

/** What was said to each `nft` that stays, and what each that was started for one change was given. */
let said: string[][]
let given: string[]
let answerTo: (line: string) => readonly string[] | undefined

const stamped = (line: string): readonly string[] => {
  const stamp = /stamp \{ (0x0000\w+) \}$/.exec(line.split('\n')[0]!)?.[1]
  return ['table ip holdfast {', `\t\telements = { ${stamp} }`, '}']
}

beforeEach(() => {
  said = []
  given = []
  answerTo = stamped
})

const commands: Commands = {
  async run(_command, _args, { input = '' } = {}) {
    given.push(input)
    return ''
  },
  async *lines(_command, _args, _signal, { input } = {}) {
    const heard: string[] = []
    said.push(heard)
    for await (const text of input!) {
      heard.push(text)
      const answer = answerTo(text)
      if (!answer) return
      yield* answer
    }
  },
}

const change = (number: number, more: Partial<Transaction> = {}): Transaction => {
  const stamp = `0x${number.toString(16).padStart(8, '0')}`
  return { commands: `flush set x stamp\nadd element x stamp { ${stamp} }\n`, stamp, isWhole: false, ...more }
}

test('small changes are said to one nft, each as one line', async () => {
  await using writer = new RuleWriter(commands, silentLogger)
  for (const number of [1, 2, 3]) await writer.write(change(number))
  expect(said).toHaveLength(1)
  expect(said[0]![1]).toBe('flush set x stamp; add element x stamp { 0x00000002 }\nlist set ip holdfast stamp\n')
  expect(given).toEqual([])
})

test('the whole table and large changes have an nft of their own', async () => {
  await using writer = new RuleWriter(commands, silentLogger)
  await writer.write(change(1, { isWhole: true }))
  await writer.write(change(2, { commands: '#'.repeat(SESSION_CHARACTERS_MAX + 1) }))
  expect(given).toHaveLength(2)
  expect(said).toEqual([])
})

test('a refusal is told, and the next change has a fresh nft', async () => {
  await using writer = new RuleWriter(commands, silentLogger)
  await writer.write(change(1))
  answerTo = () => ['Error: Could not process rule: No such file or directory', 'add element …', '    ^^^']
  await expect(writer.write(change(2))).rejects.toThrow('No such file or directory')
  answerTo = stamped
  await writer.write(change(3))
  expect(said.map(({ length }) => length)).toEqual([2, 1])
  expect(given).toEqual([])
})

test('when the nft ends, the change is given to another, and the next to one that stays again', async () => {
  await using writer = new RuleWriter(commands, silentLogger)
  await writer.write(change(1))
  answerTo = () => undefined
  await writer.write(change(2))
  expect(given).toEqual([change(2).commands])
  answerTo = stamped
  await writer.write(change(3))
  expect([said.length, given.length]).toEqual([2, 1])
})

test('an nft that was built to take no lines is not asked twice', async () => {
  await using writer = new RuleWriter(commands, silentLogger)
  answerTo = () => undefined
  for (const number of [1, 2, 3]) await writer.write(change(number))
  expect([said.length, given.length]).toEqual([1, 3])
})

test('an nft remembers what it was told, so another takes its place in time', async () => {
  await using writer = new RuleWriter(commands, silentLogger)
  for (let number = 1; number <= 2500; number++) await writer.write(change(number))
  expect(said.map(({ length }) => length)).toEqual([1000, 1000, 500])
})
