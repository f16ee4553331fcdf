import { expect, test } from 'vitest'
import { CommandFailure } from '../../machinery/commands.ts'
import { nodeCommands } from './node-commands.ts'

test('a program that stays is told its input as that comes, and answers line by line', async () => {
  const stop = new AbortController()
  let answered = Promise.withResolvers<void>()
  const input = (async function* () {
    yield 'one\n'
    await answered.promise
    yield 'two\n'
  })()
  const heard: string[] = []
  for await (const line of nodeCommands.lines('cat', [], stop.signal, { input })) {
    heard.push(line)
    answered.resolve()
    answered = Promise.withResolvers()
    if (heard.length === 2) stop.abort(new Error('enough'))
  }
  expect(heard).toEqual(['one', 'two'])
})

test('a program that ends by itself, or was never there, is a failure', async () => {
  const { signal } = new AbortController()
  const read = async (command: string, args: readonly string[]): Promise<string[]> => {
    const lines: string[] = []
    for await (const line of nodeCommands.lines(command, args, signal)) lines.push(line)
    return lines
  }
  await expect(read('sh', ['-c', 'echo a; exit 3'])).rejects.toMatchObject({ exitCode: 3 })
  await expect(read('no-such-program', [])).rejects.toThrow('ENOENT')
  await expect(nodeCommands.run('sh', ['-c', 'echo why >&2; exit 4'])).rejects.toThrow(CommandFailure)
})
