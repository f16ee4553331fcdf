import { StatefulSet } from '../../api/apps-v1/types.ts'
import type { Pod } from '../../api/core-v1/types.ts'
import { controllerOf } from '../../machinery/object.ts'
import { isPodReady, isPodTerminating } from '../../machinery/pod-state.ts'
import type { Cluster } from '../cluster.ts'
import { IMAGES } from './scenario.ts'

const NAMESPACE = 'default'
const REVISION_LABEL = 'controller-revision-hash'

/**
 * An ordered set whose rollout is held by a broken Pod says so, and names the command that releases it: no controller
 * may do it by itself (kubernetes/kubernetes#60164, #88896, #141095). Says which set does not.
 */
export async function silentWaitOf(cluster: Cluster): Promise<string | undefined> {
  const { items: sets } = await cluster.client.list(StatefulSet, { namespace: NAMESPACE })
  const pods = await cluster.pods()
  for (const set of sets) {
    const holder = holderOf(set, pods)
    if (!holder) continue
    const { message = '', status } = conditionOf(set) ?? {}
    const { name } = holder.metadata
    const advised = /kubectl delete pod (.*?) -n/.exec(message)?.[1]?.split(' ') ?? []
    // Pods that are not wanted any more may have to go first.
    const helps = advised.every(each => each === name || isCondemned(set, each)) && advised.length > 0
    if (status === 'False' && helps) continue
    return `${set.metadata.name} is held by ${name}, and says "${message}"`
  }
  return undefined
}

const conditionOf = ({ status }: StatefulSet) => status.conditions?.find(({ type }) => type === 'Progressing')

function isCondemned({ spec }: StatefulSet, podName: string): boolean {
  const index = Number(podName.slice(podName.lastIndexOf('-') + 1)) - (spec.ordinals?.start ?? 0)
  return index < 0 || index >= (spec.replicas ?? 1)
}

/** The lowest Pod that is not ready, if it is broken, of an old revision, and where the partition would let the new one in. */
function holderOf({ metadata, spec, status }: StatefulSet, pods: readonly Pod[]): Pod | undefined {
  if (spec.podManagementPolicy === 'Parallel') return undefined
  const start = spec.ordinals?.start ?? 0
  const own = pods.filter(pod => controllerOf(pod)?.uid === metadata.uid)
  const slots = Array.from({ length: spec.replicas ?? 1 }, (_, index) =>
    own.find(pod => pod.metadata.name === `${metadata.name}-${start + index}`),
  )
  const lowest = slots.findIndex(pod => !pod || !isPodReady(pod))
  const pod = slots[lowest]
  if (!pod || isPodTerminating(pod) || lowest < (spec.updateStrategy?.rollingUpdate?.partition ?? 0)) return undefined
  const isBroken = pod.spec.containers[0]!.image === IMAGES.broken
  return isBroken && pod.metadata.labels?.[REVISION_LABEL] !== status.updateRevision ? pod : undefined
}
