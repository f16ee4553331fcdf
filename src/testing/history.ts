import { createHash } from 'node:crypto'
import type { Create, Delete, Store, Update } from '../store/store.ts'

/** Every write that a store was asked for, in order, folded into one number: equal digests mean equal histories. */
export class History {
  readonly #hash = createHash('sha256')
  #writes = 0

  note(write: Create | Update | Delete): void {
    this.#writes++
    this.#hash.update(`${write.type} ${write.key}\n`)
    if (write.type !== 'delete') this.#hash.update(write.value)
  }

  get writes(): number {
    return this.#writes
  }

  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}

/** The store, with every write told to the observers before it is made. */
export function observedStore<S extends Store>(store: S, note: (write: Create | Update | Delete) => void): S {
  const commit = store.commit.bind(store)
  store.commit = write => {
    note(write)
    return commit(write)
  }
  return store
}
