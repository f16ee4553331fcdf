import { sortKey } from '../sort-key.ts'
import { type Entry, type Key, type KeyRange, revision } from '../store.ts'
import { type KeyValue, numberFrom } from './etcd-messages.ts'

const NOTHING = new Uint8Array()

/**
 * Where a store's keys lie in etcd: under the prefix as they are. Beside them, where no key of a store can be, because
 * those hold no zero byte: the time of expiry of each key that has one, and a key that is written to hear how far
 * etcd has come.
 */
export class EtcdKeys {
  readonly #prefix: Buffer
  readonly progress: Buffer
  /** What is followed: the keys and the progress. */
  readonly followed: { readonly key: Buffer; readonly range_end: Buffer }
  readonly expiries: { readonly key: Buffer; readonly range_end: Buffer }

  constructor(prefix: string) {
    this.#prefix = Buffer.from(prefix)
    this.progress = this.#under('\0p')
    this.followed = { key: this.progress, range_end: endOf(this.#prefix) }
    this.expiries = { key: this.#under('\0e'), range_end: this.#under('\0f') }
  }

  of(key: Key): Buffer {
    return this.#under(key)
  }

  ofExpiry(key: Key): Buffer {
    return this.#under(`\0e${key}`)
  }

  keyOfExpiry(bytes: Uint8Array): Key {
    return Buffer.from(bytes).toString('utf8', this.#prefix.byteLength + 2)
  }

  /** Nothing for an empty range, which etcd would misread. */
  range({ start, end }: KeyRange): { readonly key: Buffer; readonly range_end: Buffer } | undefined {
    if (sortKey(start) >= sortKey(end)) return undefined
    return { key: this.#under(start === '' ? '\u0001' : start), range_end: this.#under(end) }
  }

  keyOf(bytes: Uint8Array): Key {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', this.#prefix.byteLength)
  }

  isProgress(bytes: Uint8Array): boolean {
    return this.progress.equals(bytes)
  }

  entryOf(kv: KeyValue): Entry {
    return {
      key: this.keyOf(kv.key),
      value: kv.value.length > 0 ? kv.value : NOTHING, // An absent field decodes to an array.
      createRevision: revision(numberFrom(kv.create_revision)),
      modRevision: revision(numberFrom(kv.mod_revision)),
      version: numberFrom(kv.version),
    }
  }

  #under(text: string): Buffer {
    return Buffer.concat([this.#prefix, Buffer.from(text)])
  }
}

/** The first key that does not begin with `prefix`. For etcd a lone zero byte means "to the end". */
function endOf(prefix: Buffer): Buffer {
  for (let i = prefix.byteLength - 1; i >= 0; i--)
    if (prefix[i]! < 0xff) return Buffer.concat([prefix.subarray(0, i), Buffer.of(prefix[i]! + 1)])
  return Buffer.of(0)
}
