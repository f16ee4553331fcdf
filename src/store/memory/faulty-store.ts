import type { Clock } from '../../machinery/clock.ts'
import { type Create, type Delete, type Store, StoreError, type StoreErrorCode, type Update } from '../store.ts'

/** What happens to one commit. */
export type CommitFault =
  | { readonly type: 'none' }
  /** Takes `delayMs` before it is written. */
  | { readonly type: 'slow'; readonly delayMs: number }
  /** Fails, having written nothing. */
  | { readonly type: 'fail'; readonly code: StoreErrorCode }
  /** Is written, but the answer is lost: the caller gets `unavailable` and must read to learn the outcome. */
  | { readonly type: 'torn' }

/** Decides the fate of each commit; a simulation draws it from its seed. */
export type DecideFault = (write: Create | Update | Delete) => CommitFault

/** A store whose commits go wrong as `decide` says. Reads and watches work on. */
export function faultyStore<S extends Store>(store: S, { decide, clock }: { decide: DecideFault; clock: Clock }): S {
  const commit: Store['commit'] = async write => {
    const fault = decide(write)
    switch (fault.type) {
      case 'none':
        return store.commit(write)
      case 'slow':
        await clock.sleep(fault.delayMs)
        return store.commit(write)
      case 'fail':
        throw new StoreError(fault.code, `a fault was injected into the ${write.type} of ${write.key}`)
      case 'torn':
        await store.commit(write)
        throw new StoreError('unavailable', `the answer to the ${write.type} of ${write.key} was lost on purpose`)
    }
  }
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'commit') return commit
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
