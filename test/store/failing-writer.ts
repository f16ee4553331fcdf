/** Writes until a write fails, looks at what that left, and tells of it in one line of JSON. */
import { systemClock } from '../../src/machinery/system-clock.ts'
import { problems } from '../../src/store/contract/store-under-test.ts'
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts'
import { StoreError } from '../../src/store/store.ts'
import { stampedValue } from './stamped-value.ts'

const store = await openLmdbStore({ directory: process.argv[2]!, clock: systemClock })
const codes = new Set<string>()
let answered = 0
let stamp = 0
await Promise.all(Array.from({ length: 16 }, write))
console.log(JSON.stringify({ codes: [...codes], answered, head: store.head(), problems: await problems(store) }))
await store.close()

async function write(): Promise<void> {
  for (;;) {
    try {
      await store.commit({ type: 'create', key: `/k/${++stamp}`, value: stampedValue(stamp) })
      answered++
    } catch (error) {
      codes.add(error instanceof StoreError ? error.code : String(error))
      return
    }
  }
}
