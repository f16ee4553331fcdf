import type { PodContext } from './pod-context.ts'
import { type PodView, recordsOf } from './pod-view.ts'

/** The last container of a name and the one before it: what status and `logs --previous` need. */
const RECORDS_KEPT = 2

/** Removes what a running Pod has left behind: containers older than the last two, and sandboxes that hold none. */
export function sweepPod(
  view: PodView,
  work: (key: string, act: (context: PodContext) => Promise<void>) => void,
): void {
  const names = new Set(view.containers.map(({ name }) => name))
  for (const name of names) {
    for (const { id, logPath } of recordsOf(view, name).slice(RECORDS_KEPT)) {
      work(`sweep:${id}`, async ({ doors }) => {
        await doors.runtime.removeContainer(id)
        await doors.logs.remove(logPath)
      })
    }
  }
  const inUse = new Set(view.containers.map(({ sandboxId }) => sandboxId))
  for (const { id, isReady } of view.sandboxes.slice(1)) {
    if (isReady || inUse.has(id)) continue
    work(`sweep:${id}`, ({ doors }) => doors.runtime.removeSandbox(id))
  }
}
