import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../machinery/system-clock.ts'
import { LogDirectory } from './log-directory.ts'

let directory: string
let path: string
const logs = new LogDirectory(systemClock)

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubelet-logs-'))
  path = join(directory, '0.log')
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

const line = (text: string, second = 0): string => `2026-01-01T00:00:0${second}.123456789Z stdout F ${text}\n`

async function read(
  options: Partial<Parameters<LogDirectory['read']>[1]>,
  onLine: (text: string) => void = () => {},
): Promise<string[]> {
  const seen: string[] = []
  for await (const { content } of logs.read(path, { signal: AbortSignal.timeout(10_000), ...options })) {
    const text = Buffer.from(content).toString('utf8')
    seen.push(text.replace(/\n$/, ''))
    onLine(text)
  }
  return seen
}

test('the last lines are found from the end, also over many blocks', async () => {
  const texts = Array.from({ length: 5000 }, (_, index) => `line ${index} ${'x'.repeat(50)}`)
  await writeFile(path, texts.map(text => line(text)).join(''))
  expect(await read({ tailLines: 3 })).toEqual(texts.slice(-3))
  expect(await read({ tailLines: 0 })).toEqual([])
  expect(await read({ tailLines: 9999 })).toHaveLength(5000)
  expect(await read({})).toHaveLength(5000)
})

test('lines before the time asked for are left out', async () => {
  await writeFile(path, [1, 2, 3].map(second => line(`at ${second}`, second)).join(''))
  expect(await read({ since: new Date('2026-01-01T00:00:02Z') })).toEqual(['at 2', 'at 3'])
})

test('a reader that follows sees what is written, over a rotation, until the container has ended', async () => {
  await writeFile(path, line('one'))
  let isOver = false
  const steps: (() => Promise<void>)[] = [
    () => appendFile(path, line('two')),
    async () => {
      await logs.rotate(path, 5)
      await writeFile(path, line('three'))
    },
    async () => {
      isOver = true
    },
  ]
  const seen = await read({ follow: { isFinished: async () => isOver } }, () => void steps.shift()?.())
  expect(seen).toEqual(['one', 'two', 'three'])
})

test('a log that is not there has no lines', async () => {
  expect(await read({})).toEqual([])
})

test('rotated files beyond those kept are removed', async () => {
  for (const second of [1, 2, 3]) {
    await writeFile(path, line('x'))
    const clock = { ...systemClock, now: () => new Date(`2026-01-01T00:00:0${second}Z`) }
    await new LogDirectory(clock).rotate(path, 3)
  }
  await writeFile(path, line('now'))
  expect(await logs.sizeOf(path)).toBeGreaterThan(0)
  await logs.remove(path)
  expect(await logs.sizeOf(path)).toBe(0)
})
