import { beforeEach, expect, test } from 'vitest'
import { CommandFailure, type Commands } from '../../machinery/commands.ts'
import { silentLogger } from '../../machinery/logger.ts'
import { guardTable } from './table-guard.ts'

let damages: number
let stop: AbortController
let tick: () => void

beforeEach(() => {
  damages = 0
  stop = new AbortController()
  tick = () => {}
})

/** Guards over this news until it is read; the stamp in the kernel is `held`, or the table is gone. */
async function guard(news: readonly string[], { held = '0x00000007' }: { held?: string } = {}): Promise<void> {
  const read = Promise.withResolvers<void>()
  const commands: Commands = {
    async run() {
      if (held === '') throw new CommandFailure('No such file or directory', { exitCode: 1, stderr: '' })
      return `elements = { ${held} }`
    },
    async *lines() {
      yield* news
      read.resolve()
      await new Promise(resolve => stop.signal.addEventListener('abort', resolve))
    },
  }
  const sleep = (_delayMs: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      tick = resolve
      signal?.addEventListener('abort', () => reject(signal.reason))
    })
  const clock = {
    now: () => new Date(0),
    monotonicMs: () => 0,
    sleep,
    schedule: () => ({ cancel: () => {}, [Symbol.dispose]: () => {} }),
  }
  const onDamage = (): void => void damages++
  const guarding = guardTable(
    { commands, clock, logger: silentLogger, stamp: () => '0x00000007', onDamage },
    stop.signal,
  )
  await read.promise
  tick()
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  stop.abort(new Error('over'))
  await guarding
}

const gone = 'delete rule ip holdfast route handle 12'
const ours = 'delete element ip holdfast stamp { 0x00000006 }'
const end = 'delete element ip holdfast stamp { 0xffffffff }'

test('a deletion that is not ours is damage, all of it once', async () => {
  await guard([gone, gone])
  expect(damages).toBe(1)
})

test('our own changes are not, whatever they delete', async () => {
  await guard([ours, gone, 'delete table ip holdfast', end])
  expect(damages).toBe(0)
})

test('one change is told from the next', async () => {
  await guard([ours, gone, end, gone, ours, end, gone, gone])
  expect(damages).toBe(2)
})

test('changes of other tables are nobody’s business here', async () => {
  await guard(['delete table ip holdfast_pods', 'delete table ip6 holdfast', 'delete chain ip nat X'])
  expect(damages).toBe(0)
})

test('clients of sticky Services that time out are no damage', async () => {
  await guard(['delete element ip holdfast clients-1-10_244_0_1-80 { 10.244.0.9 }'])
  expect(damages).toBe(0)
})

test('a table that is gone, or not as we left it, is found when it is looked at', async () => {
  await guard([], { held: '' })
  expect(damages).toBe(1)
})
