import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/fakes/seeded-random.ts'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { problems } from '../../src/store/contract/store-under-test.ts'
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts'
import { keysUnder, revision, type Store } from '../../src/store/store.ts'
import { stampedValue, stampOf } from './stamped-value.ts'

const KILLS = Number(process.env.STORE_KILLS ?? 50)
const WRITER = new URL('crash-writer.ts', import.meta.url).pathname

test(`after each of ${KILLS} kills every answered write is there, whole, and revisions go on`, {
  timeout: KILLS * 5000,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-crash-'))
  const seed = Number(process.env.STORE_CRASH_SEED ?? Date.now() % 1_000_000)
  const random = seededRandom(seed)
  const ledger = new Ledger()
  try {
    for (let round = 1; round <= KILLS; round++) {
      await writeUntilKilled({ directory, round, runMs: 5 + random.float() * 150 }, ledger)
      await checkStore(directory, ledger).catch(error => {
        throw new Error(`round ${round} with STORE_CRASH_SEED=${seed}`, { cause: error })
      })
    }
  } finally {
    await rm(directory, { recursive: true })
  }
  expect(ledger.answered).toBeGreaterThan(KILLS)
})

/** Runs writers for a while after their first answer, then kills them. */
async function writeUntilKilled(
  { directory, round, runMs }: { directory: string; round: number; runMs: number },
  ledger: Ledger,
): Promise<void> {
  const child = spawn(process.execPath, [WRITER, directory, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  let rest = ''
  const stop = new AbortController()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) if (ledger.note(line)) killLater(child, runMs, stop)
  })
  await closed
  expect(child.signalCode).toBe('SIGKILL')
}

function killLater(child: ChildProcess, runMs: number, once: AbortController): void {
  if (once.signal.aborted) return
  once.abort()
  systemClock.schedule(runMs, () => child.kill('SIGKILL'))
}

async function checkStore(directory: string, ledger: Ledger): Promise<void> {
  const store = await openLmdbStore({ directory, clock: systemClock })
  try {
    expect(await problems(store)).toEqual([])
    expect(store.head()).toBeGreaterThanOrEqual(ledger.head)
    await ledger.check(store)
  } finally {
    await store.close()
  }
}

/** What may stand at each key: what was answered last, or what was tried since. 0 is nothing. */
class Ledger {
  answered = 0
  head = revision(0)
  readonly #standing = new Map<string, number>()
  readonly #tried = new Map<string, number>()

  /** Whether the line was an answer. */
  note(line: string): boolean {
    const [word, key = '', number = ''] = line.split(' ')
    if (word === 'try') {
      this.#tried.set(key, Number(number))
      return false
    }
    expect(Number(number)).toBeGreaterThan(0)
    this.answered++
    this.head = revision(Math.max(this.head, Number(number)))
    this.#standing.set(key, this.#tried.get(key)!)
    this.#tried.delete(key)
    return true
  }

  async check(store: Store): Promise<void> {
    const { entries } = await store.list(keysUnder('/crash/'), { limit: 10_000 })
    const found = new Map(entries.map(entry => [entry.key, entry.value]))
    for (const key of new Set([...this.#standing.keys(), ...this.#tried.keys(), ...found.keys()])) {
      const value = found.get(key)
      const stamp = value ? stampOf(value) : 0
      expect([this.#standing.get(key) ?? 0, this.#tried.get(key)], key).toContain(stamp)
      if (value) expect(Buffer.compare(value, stampedValue(stamp)), key).toBe(0)
      this.#standing.set(key, stamp)
    }
    this.#tried.clear()
    this.head = store.head()
  }
}
