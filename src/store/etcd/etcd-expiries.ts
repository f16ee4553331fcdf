import type { Clock } from '../../machinery/clock.ts'
import type { Expiry } from '../driver.ts'
import { ExpiryHeap } from '../expiry-heap.ts'
import { ExpiryTimer } from '../expiry-timer.ts'
import { type Revision, revision } from '../store.ts'
import type { EtcdClient } from './etcd-client.ts'
import { storeErrorFrom } from './etcd-error.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import { COMPARE, type Compare, type KeyValue, numberFrom, type RangeRequest, type RequestOp } from './etcd-messages.ts'
import { range, txn } from './etcd-methods.ts'
import { followOnce } from './followed-range.ts'
import { untilAborted } from './until-aborted.ts'

const PAGE_MAX = 1_000
/** Expiries handled at once. */
const SWEEP_MAX = 64

export interface EtcdExpiriesOptions {
  readonly client: EtcdClient
  readonly keys: EtcdKeys
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly onFailure: (error: unknown) => void
}

/**
 * Deletes keys that have expired. Each has a second key beside it that tells the time, written with it and so of the
 * same revision: a time whose revision is not that of its key is void. Every server of the cluster keeps watch; which
 * of them deletes makes no difference, because the deletion is bound to the revision.
 */
export class EtcdExpiries {
  readonly #options: EtcdExpiriesOptions
  readonly #heap = new ExpiryHeap()
  readonly #timer: ExpiryTimer

  constructor(options: EtcdExpiriesOptions) {
    this.#options = options
    this.#timer = new ExpiryTimer(options.clock, {
      nextMs: () => this.#heap.first()?.atMs,
      due: nowMs => this.#heap.takeDue(nowMs, SWEEP_MAX),
      expire: expiry => this.#expire(expiry),
    })
  }

  /** Resolves once what is there already is known. */
  async start(): Promise<void> {
    let after = await this.#load()
    this.#timer.start()
    const { client, keys, clock, signal, onFailure } = this.#options
    void untilAborted({ clock, signal, onFailure }, async () => {
      for await (const followed of followOnce({ client, range: keys.expiries, after, signal })) {
        if (followed.type === 'compacted') {
          after = await this.#load()
          return
        }
        for (const event of followed.events) if (event.type === 0) this.note(this.#expiryOf(event.kv))
        after = followed.revision
      }
    })
  }

  async stop(): Promise<void> {
    await this.#timer.stop()
  }

  note(expiry: Expiry): void {
    this.#heap.add(expiry)
    this.#timer.notice(expiry.atMs)
  }

  /** Every expiry that holds. */
  async *holding(): AsyncGenerator<Expiry, void, void> {
    const { client, keys } = this.#options
    for await (const { kvs } of this.#pages())
      for (const kv of kvs) {
        const expiry = this.#expiryOf(kv)
        const found = await client.call(range, { key: keys.of(expiry.key), keys_only: true })
        if (found.kvs[0] && numberFrom(found.kvs[0].mod_revision) === expiry.modRevision) yield expiry
      }
  }

  async #load(): Promise<Revision> {
    let at = revision(0)
    for await (const page of this.#pages()) {
      at = page.at
      for (const kv of page.kvs) this.note(this.#expiryOf(kv))
    }
    return at
  }

  async *#pages(): AsyncGenerator<{ readonly kvs: readonly KeyValue[]; readonly at: Revision }, void, void> {
    const { client, keys } = this.#options
    let request: RangeRequest = { ...keys.expiries, limit: PAGE_MAX }
    for (;;) {
      const { header, kvs, more } = await client.call(range, request)
      const at = request.revision ?? numberFrom(header.revision)
      yield { kvs, at: revision(at) }
      if (!more) return
      request = { ...request, revision: at, key: Buffer.concat([kvs.at(-1)!.key, Buffer.of(0)]) }
    }
  }

  #expiryOf(kv: KeyValue): Expiry {
    const key = this.#options.keys.keyOfExpiry(kv.key)
    return { key, modRevision: revision(numberFrom(kv.mod_revision)), atMs: Number(Buffer.from(kv.value).toString()) }
  }

  async #expire(expiry: Expiry): Promise<void> {
    const { client, keys } = this.#options
    const [key, time] = [keys.of(expiry.key), keys.ofExpiry(expiry.key)]
    const isOf = (which: Buffer): Compare => ({
      result: COMPARE.equal,
      target: COMPARE.mod,
      key: which,
      mod_revision: expiry.modRevision,
    })
    const remove = (which: Buffer): RequestOp => ({ request_delete_range: { key: which } })
    try {
      const both = { compare: [isOf(key), isOf(time)], success: [remove(key), remove(time)], failure: [] }
      if ((await client.call(txn, both)).succeeded) return
      await client.call(txn, { compare: [isOf(time)], success: [remove(time)], failure: [] })
    } catch (error) {
      this.#heap.add(expiry)
      throw storeErrorFrom(error)
    }
  }
}
