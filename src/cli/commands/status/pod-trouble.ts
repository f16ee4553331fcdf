import type { Pod } from '../../../api/core-v1/types.ts'
import { isPodReady } from '../../../machinery/pod-state.ts'

/** What is wrong with a Pod, in one line; nothing for one that is ready or done. */
export function podTrouble(pod: Pod): string[] {
  if (pod.status.phase === 'Succeeded' || isPodReady(pod)) return []
  const states = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])]
  const waiting = states.find(
    ({ state }) =>
      state?.waiting && state.waiting.reason !== 'PodInitializing' && state.waiting.reason !== 'ContainerCreating',
  )
  const condition = pod.status.conditions?.find(({ status: value, message }) => value === 'False' && message)
  const why = waiting?.state?.waiting?.message ?? condition?.message ?? pod.status.message
  const { namespace, name, deletionTimestamp } = pod.metadata
  const what = deletionTimestamp
    ? `Terminating since ${deletionTimestamp} on ${pod.spec.nodeName ?? 'no machine'}`
    : (waiting?.state?.waiting?.reason ?? pod.status.phase)
  return [`pod ${namespace}/${name}: ${what}${why ? `: ${why}` : ''}`]
}
