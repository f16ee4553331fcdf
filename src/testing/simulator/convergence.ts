import { StatefulSet } from '../../api/apps-v1/types.ts'
import { Pod } from '../../api/core-v1/types.ts'
import { controllerOf } from '../../machinery/object.ts'
import { hasPodEnded, isPodReady, isPodTerminating } from '../../machinery/pod-state.ts'
import { isStatusError } from '../../machinery/status.ts'
import type { Cluster } from '../cluster.ts'
import { setImage } from './perform.ts'
import { fitLimit } from './perform-wild.ts'
import { IMAGES } from './scenario.ts'
import { silentWaitOf } from './waiting-check.ts'

const NAMESPACE = 'default'
/** How long a world without faults may take to be as its sets ask: crash loops wait up to five minutes, ended Pods as long. */
const CONVERGE_MS_MAX = 1_800_000
const LOOK_EVERY_MS = 10_000
/** After so long the user looks for Pods that only a deletion can help (kubernetes/kubernetes#67250). */
const REPAIR_AFTER_MS = 240_000

/** The user takes back what no controller may: broken images, foreign labels, a quota that is too small. */
export async function repair(cluster: Cluster): Promise<void> {
  await fitLimit(cluster)
  for (const set of (await cluster.client.list(StatefulSet, { namespace: NAMESPACE })).items) {
    const { image } = set.spec.template.spec!.containers[0]!
    if (image === IMAGES.broken) await setImage(cluster, set.metadata.name, IMAGES.good[0])
  }
  for (const pod of await cluster.pods()) {
    if (pod.metadata.labels?.app !== 'nobody') continue
    const set = pod.metadata.name.slice(0, pod.metadata.name.lastIndexOf('-'))
    await cluster.patch(`pod/${pod.metadata.name}`, { metadata: { labels: { app: set } } })
  }
}

/** Lets time pass until all sets are as they should be. Says what is not, when that takes too long. */
export async function converge(
  cluster: Cluster,
  { step, deletedPod }: { step: (ms: number) => Promise<void>; deletedPod: (uid: string) => void },
): Promise<string | undefined> {
  let problem: string | undefined
  for (let passedMs = 0; passedMs < CONVERGE_MS_MAX; passedMs += LOOK_EVERY_MS) {
    await step(LOOK_EVERY_MS)
    problem = await problemOf(cluster)
    if (problem === undefined) return undefined
    if (passedMs !== REPAIR_AFTER_MS) continue
    const silent = await silentWaitOf(cluster)
    if (silent) return silent
    await doAsConditionsSay(cluster, deletedPod)
  }
  return `not converged after ${CONVERGE_MS_MAX / 60_000} minutes without faults: ${problem}`
}

/**
 * What only a person may do, and what the conditions of the sets ask for: a Pod at a broken template is deleted (#60164), and
 * below the partition a corrected template reaches it only when that is lowered (U12, U13; at zero replicas a broken one may have
 * become the current revision, #121534); Pods that have ended are no good base for those above, so an ordered set is not
 * scaled down past two of them (O14, O15; #57865) until they are deleted. Where Pods do not wait for each other, broken ones
 * are replaced without him (#137409).
 */
async function doAsConditionsSay(cluster: Cluster, deletedPod: (uid: string) => void): Promise<void> {
  const { items: sets } = await cluster.client.list(StatefulSet, { namespace: NAMESPACE })
  for (const pod of await cluster.pods()) {
    const { name, uid } = pod.metadata
    const isBroken = pod.spec.containers[0]!.image === IMAGES.broken
    const set = sets.find(({ metadata }) => metadata.uid === controllerOf(pod)?.uid)
    const index = set && indexOf(set, name)
    if (isBroken && set && index! < partitionOf(set)) await lowerPartition(cluster, set.metadata.name)
    const isInTheWay = hasPodEnded(pod) && index !== undefined && (index < 0 || index >= (set?.spec.replicas ?? 1))
    const isReplacedAnyway = set?.spec.podManagementPolicy === 'Parallel' && !isInTheWay
    if ((!isBroken || isReplacedAnyway) && !isInTheWay) continue
    deletedPod(uid)
    await cluster.delete(`pod/${name}`).catch(unlessGone) // Meanwhile the controller may have taken it.
  }
}

function unlessGone(error: unknown): void {
  if (!isStatusError(error, 'NotFound')) throw error
}

const lowerPartition = (cluster: Cluster, set: string): Promise<void> =>
  cluster.patch(`statefulset/${set}`, { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } })

const startOf = ({ spec }: StatefulSet): number => spec.ordinals?.start ?? 0
const partitionOf = ({ spec }: StatefulSet): number => spec.updateStrategy?.rollingUpdate?.partition ?? 0
const indexOf = (set: StatefulSet, podName: string): number =>
  Number(podName.slice(podName.lastIndexOf('-') + 1)) - startOf(set)

async function problemOf(cluster: Cluster): Promise<string | undefined> {
  const { items: sets } = await cluster.client.list(StatefulSet, { namespace: NAMESPACE })
  const { items: pods } = await cluster.client.list(Pod, { namespace: NAMESPACE })
  for (const set of sets) {
    const problem = problemOfSet(set, pods)
    if (problem) return `${set.metadata.name}: ${problem}`
  }
  const names = new Set(sets.map(({ metadata }) => metadata.name))
  const stray = pods.find(({ metadata }) => !names.has(metadata.name.slice(0, metadata.name.lastIndexOf('-'))))
  return stray && `Pod ${stray.metadata.name} has no set`
}

function problemOfSet(set: StatefulSet, pods: readonly Pod[]): string | undefined {
  const { metadata, spec, status } = set
  const own = pods.filter(pod => pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid))
  const { replicas = 1 } = spec
  const wanted = Array.from({ length: replicas }, (_, index) => `${metadata.name}-${startOf(set) + index}`)
  const have = own.map(pod => pod.metadata.name)
  if ([...have].sort().join() !== [...wanted].sort().join()) return `Pods are ${have.join()}, wanted ${wanted.join()}`
  const unready = own.find(pod => !isPodReady(pod) || isPodTerminating(pod))
  if (unready) return `${unready.metadata.name} is not ready`
  const outdated = wanted.slice(partitionOf(set)).find(name => {
    const pod = own.find(candidate => candidate.metadata.name === name)
    return pod?.metadata.labels?.['controller-revision-hash'] !== status.updateRevision
  })
  if (outdated) return `${outdated} is outdated`
  if (status.observedGeneration !== metadata.generation) return 'its last change was not observed'
  const { readyReplicas = 0, availableReplicas = 0 } = status
  if (status.replicas !== replicas || readyReplicas !== replicas || availableReplicas !== replicas)
    return `status says ${status.replicas} Pods, ${readyReplicas} ready, ${availableReplicas} available of ${replicas}`
  return undefined
}
