import type { JsonObject } from '../../machinery/json.ts'
import type { WriteScope } from '../write/write-environment.ts'
import { addressPool, type Holder, nodePortPool, type ReservationPool } from './reservations.ts'

/** Reservations younger than this may belong to a Service that is being written. */
const GRACE_MS = 60_000

/**
 * Gives back what no Service holds any more: after a crash between taking an address and storing its Service, or
 * between removing a Service and giving its address back. Runs over Services' own scope.
 */
export async function reclaimReservations(scope: WriteScope): Promise<void> {
  const { cache, prefix } = scope.kind
  const isGone = ({ namespace, name }: Holder): boolean => cache.find(`${prefix}${namespace}/${name}`) === undefined
  for (const pool of [addressPool(scope), nodePortPool(scope)]) await reclaim(scope, { pool, isGone })
}

async function reclaim(
  { environment }: WriteScope,
  { pool, isGone }: { readonly pool: ReservationPool; readonly isGone: (holder: Holder) => boolean },
): Promise<void> {
  const now = environment.clock.now().getTime()
  for (const { item, holder, object } of [...pool.all()]) {
    if (now - createdAt(object) >= GRACE_MS && isGone(holder)) await pool.release(item, holder)
  }
}

const createdAt = ({ metadata }: JsonObject): number =>
  Date.parse((metadata as { readonly creationTimestamp: string }).creationTimestamp)
