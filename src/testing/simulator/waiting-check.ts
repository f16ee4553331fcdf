import { StatefulSet } from '../../api/apps-v1/types.ts'
import type { Pod } from '../../api/core-v1/types.ts'
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
    const holding = holdersOf(set, pods)
    if (holding.length === 0) continue
    const { message = '', status } = conditionOf(set) ?? {}
    const isNamed = holding.some(({ metadata }) => message.includes(`kubectl delete pod ${metadata.name} `))
    if (isNamed && status === 'False') continue
    const names = holding.map(({ metadata }) => metadata.name).join(', ')
    return `${set.metadata.name} is held by ${names}, and says "${message}"`
  }
  return undefined
}

const conditionOf = ({ status }: StatefulSet) => status.conditions?.find(({ type }) => type === 'Progressing')

/** Broken Pods of an old revision, where the partition would let the new one in. */
function holdersOf({ metadata, spec, status }: StatefulSet, pods: readonly Pod[]): readonly Pod[] {
  if (spec.podManagementPolicy === 'Parallel') return []
  const lowest = (spec.ordinals?.start ?? 0) + (spec.updateStrategy?.rollingUpdate?.partition ?? 0)
  return pods.filter(
    pod =>
      pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) &&
      !pod.metadata.deletionTimestamp &&
      pod.spec.containers[0]!.image === IMAGES.broken &&
      pod.metadata.labels?.[REVISION_LABEL] !== status.updateRevision &&
      Number(pod.metadata.name.slice(pod.metadata.name.lastIndexOf('-') + 1)) >= lowest,
  )
}
