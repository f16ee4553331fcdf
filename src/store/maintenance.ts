import type { Clock } from '../machinery/clock.ts'
import { type BackedUp, checkBackup, readBackup, writeBackup } from './backup-file.ts'
import type { StoreDriver } from './driver.ts'
import { sortKey } from './sort-key.ts'
import { type Entry, EVERY_KEY, type Key, type Page, type Revision, revision, StoreError } from './store.ts'

const PAGE = 500
/** Writes of a restore under way at once. */
const WRITES = 64
/**
 * A restore goes on this far above the backup's revision where the driver lets it, because watchers may have seen
 * revisions that were made after the backup and are lost.
 */
const REVISIONS_SKIPPED = 1_000_000_000

/** Every broken invariant, in words. */
export const verifyStore = (store: StoreDriver): AsyncIterable<string> => store.verify()

/** Forgets all history, now. Returns the mark. */
export async function compactStore(store: StoreDriver): Promise<Revision> {
  const mark = store.head()
  await store.compact(mark)
  return mark
}

/** Writes everything, as of one revision, to a new file, while the store goes on. Fails if the file exists. */
export async function backUpStore(
  store: StoreDriver,
  file: string,
): Promise<{ readonly revision: Revision; readonly entries: number }> {
  const at = store.head()
  const expiries = new Map<Key, { readonly modRevision: Revision; readonly atMs: number }>()
  for await (const expiry of store.expiries()) expiries.set(expiry.key, expiry)
  async function* backedUp(): AsyncGenerator<BackedUp, void, void> {
    for await (const entry of entriesOf(store, at)) {
      const expiry = expiries.get(entry.key)
      yield expiry?.modRevision === entry.modRevision ? { ...entry, expiresAtMs: expiry.atMs } : entry
    }
  }
  return { revision: at, entries: await writeBackup(file, at, backedUp()) }
}

export interface RestoreOutcome {
  readonly written: number
  readonly deleted: number
  /** The store's head afterwards. */
  readonly revision: Revision
}

export interface RestoreOptions {
  readonly clock: Clock
  /** No write of the restore has a revision up to this one. A billion above the backup's unless told otherwise. */
  readonly revisionsAbove?: Revision
}

/**
 * Makes the store hold what the backup holds. Works on a running store, whose watchers see each difference as a change;
 * revisions only go on. A store that had not come as far as the backup, a new one above all, first skips revisions, and
 * whoever watched the lost store is told `compacted`. Cut short, it can be run again.
 */
export async function restoreStore(
  store: StoreDriver,
  file: string,
  { clock, revisionsAbove }: RestoreOptions,
): Promise<RestoreOutcome> {
  const backup = await checkBackup(file)
  if (store.head() < backup.revision || revisionsAbove !== undefined)
    await store.advance(revisionsAbove ?? floorFor(store, backup.revision))
  const standing = new Map<Key, Entry>()
  for await (const entry of entriesOf(store, store.head())) standing.set(entry.key, entry)
  const expiring = new Set<Key>()
  for await (const { key } of store.expiries()) expiring.add(key)
  let written = 0
  const nowMs = clock.now().getTime()
  await inParallel(readBackup(file), async entry => {
    if (entry.expiresAtMs !== undefined && entry.expiresAtMs <= nowMs) return // It stays among those to be deleted.
    const current = standing.get(entry.key)
    standing.delete(entry.key)
    const stays = entry.expiresAtMs === undefined && !expiring.has(entry.key)
    if (stays && current && Buffer.compare(current.value, entry.value) === 0) return
    await putBack(store, { entry, current, nowMs })
    written++
  })
  const surplus = [...standing.values()]
  await inParallel(surplus, async ({ key, modRevision }) => {
    await store.commit({ type: 'delete', key, ifRevision: modRevision })
  })
  return { written, deleted: surplus.length, revision: store.head() }
}

/** With etcd each revision skipped is a write, so only those are skipped that the backup itself knows of. */
const floorFor = (store: StoreDriver, backedUp: Revision): Revision =>
  store.name === 'etcd' ? backedUp : revision(backedUp + REVISIONS_SKIPPED)

async function putBack(
  store: StoreDriver,
  { entry, current, nowMs }: { entry: BackedUp; current: Entry | undefined; nowMs: number },
): Promise<void> {
  const { key, value, expiresAtMs } = entry
  const put = { key, value, ...(expiresAtMs !== undefined && { ttlMs: expiresAtMs - nowMs }) }
  if (current) await store.commit({ type: 'update', ...put, ifRevision: current.modRevision })
  else await store.commit({ type: 'create', ...put })
}

async function* entriesOf(store: StoreDriver, at: Revision): AsyncGenerator<Entry, void, void> {
  let range = EVERY_KEY
  for (;;) {
    const page: Page = await store.list(range, { at, limit: PAGE })
    yield* page.entries
    if (page.next === undefined) return
    if (sortKey(page.next) < sortKey(range.start))
      throw new StoreError('unavailable', 'the pages of a list go backwards')
    range = { start: page.next, end: EVERY_KEY.end }
  }
}

/** Does `act` with every item, several at a time. The first failure ends it, after those under way. */
async function inParallel<T>(items: AsyncIterable<T> | Iterable<T>, act: (item: T) => Promise<void>): Promise<void> {
  const underWay = new Set<Promise<void>>()
  const failures: unknown[] = []
  for await (const item of items) {
    const acting = act(item)
      .catch(error => void failures.push(error))
      .finally(() => underWay.delete(acting))
    underWay.add(acting)
    if (underWay.size >= WRITES) await Promise.race(underWay)
    if (failures.length > 0) break
  }
  await Promise.all(underWay)
  if (failures.length > 0) throw failures[0]
}
