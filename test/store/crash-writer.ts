/** Writes to a store from many writers until it is killed, and tells on its output what it tries and what was answered. */
import { writeSync } from 'node:fs'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts'
import type { Create, Delete, Revision, Update } from '../../src/store/store.ts'
import { stampedValue } from './stamped-value.ts'

const WRITERS = 64
const KEYS_PER_WRITER = 4

const [directory = '', round = ''] = process.argv.slice(2)
const store = await openLmdbStore({ directory, clock: systemClock, historyMs: 200, historyChangesMax: 2000 })
let stamp = Number(round) * 1_000_000
await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))

async function write(writer: number): Promise<void> {
  for (let i = 0; ; i++) {
    const key = `/crash/${writer}/${i % KEYS_PER_WRITER}`
    const standing = await store.get(key)
    const next = nextWrite(key, standing?.modRevision)
    tell(`try ${key} ${next.type === 'delete' ? 0 : stamp}`)
    const at = await store.commit(next)
    tell(`done ${key} ${at}`)
  }
}

function nextWrite(key: string, standing: Revision | undefined): Create | Update | Delete {
  const value = stampedValue(++stamp)
  if (standing === undefined) return { type: 'create', key, value }
  return stamp % 5 === 0
    ? { type: 'delete', key, ifRevision: standing }
    : { type: 'update', key, value, ifRevision: standing }
}

/** Synchronously, so that nothing told is lost with the process. */
function tell(line: string): void {
  writeSync(1, `${line}\n`)
}
