import type { JsonObject } from '../../machinery/json.ts'
import type { IncomingObject } from './read-body.ts'
import { isDryRun, type WriteScope } from './write-environment.ts'

/** Runs a write between taking what its kind needs for it and giving back what it did not need in the end. */
export async function withReservation<T>(
  scope: WriteScope,
  { draft, old }: { readonly draft: IncomingObject; readonly old?: JsonObject },
  write: () => Promise<T>,
): Promise<T> {
  const { differences } = scope.kind
  const reservation = differences.reserve && (await differences.reserve(draft, old, scope))
  if (!reservation) return write()
  let committed = false
  try {
    const result = await write()
    committed = !isDryRun(scope)
    return result
  } finally {
    await reservation.settle(committed)
  }
}
