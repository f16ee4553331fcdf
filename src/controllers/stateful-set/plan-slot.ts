import type { Pod } from '../../api/core-v1/types.ts'
import { hasPodEnded, isPodTerminating } from '../../machinery/pod-state.ts'
import { templateOf } from '../revisions/revision-data.ts'
import { hasIdentity, newPod, ordinalOf, podNameOf, withIdentity } from './identity.ts'
import type { Finding, Step } from './plan.ts'
import { isClaimOfFormerPod, retentionChangeOf } from './retention.ts'
import { claimNamesOf, hasStorage, newClaimsOf, withStorage } from './storage.ts'
import type { Wait } from './wait.ts'
import { isAvailable, isRunningReady, revisionFor, type Slot, type World } from './world.ts'

/** What every policy does first with a slot (O7–O9). With `wait`, nothing more is to be done with it in this pass. */
export function findingFor(world: World, { ordinal, pod }: Slot): Finding {
  if (!pod) return creationOf(world, ordinal)
  if (hasPodEnded(pod)) return replacementOf(world, pod)
  if (isWithoutFuture(world, pod))
    return { steps: [{ kind: 'deletePod', pod, reason: 'ClaimTerminating' }], wait: { rule: 'PodTerminating', pod } }
  return { steps: pod.status?.phase === 'Pending' ? pendingSteps(world, pod) : [] }
}

/** An ended Pod makes room for its successor; one that ends again and again is given more time each time. */
function replacementOf(world: World, pod: Pod): Finding {
  if (isPodTerminating(pod)) return { steps: [], wait: { rule: 'PodEnded', pod } }
  const recheckAfterMs = world.replacementWaitMs(pod)
  if (recheckAfterMs > 0) return { steps: [], wait: { rule: 'PodEnded', pod, recheckAfterMs } }
  return { steps: [{ kind: 'deletePod', pod, reason: 'Ended' }], wait: { rule: 'PodEnded', pod } }
}

/**
 * It was made on a stale cache, when a claim of its name was already on its way out (S5). It can never start, since its
 * claim is going, and the claim cannot go, since the Pod uses it. Upstream leaves both there for ever
 * (kubernetes/kubernetes#74374); here the Pod, in which nothing has run, makes room.
 */
function isWithoutFuture({ set, claimNamed }: World, pod: Pod): boolean {
  if (pod.status?.phase !== 'Pending' || isPodTerminating(pod)) return false
  return claimNamesOf(set, ordinalOf(pod)).some(name => {
    const goingSince = claimNamed(name)?.metadata.deletionTimestamp
    return goingSince !== undefined && goingSince <= pod.metadata.creationTimestamp
  })
}

function creationOf(world: World, ordinal: number): Finding {
  const podName = podNameOf(world.set, ordinal)
  const claimed = claimWait(world, podName, ordinal)
  if (claimed) return { steps: [], wait: claimed }
  const revision = revisionFor(world, ordinal)
  const pod = newPod(world.set, { ordinal, revision: revision.metadata.name, template: templateOf(revision) })
  return { steps: [{ kind: 'createPod', ordinal, pod }], wait: { rule: 'PodCreated', podName } }
}

function claimWait({ set, claimNamed }: World, podName: string, ordinal: number): Wait | undefined {
  const claimName = claimNamesOf(set, ordinal).find(name => {
    const claim = claimNamed(name)
    return claim !== undefined && isClaimOfFormerPod(set, podName, claim)
  })
  return claimName === undefined ? undefined : { rule: 'ClaimOfFormerPod', podName, claimName }
}

/** A Pod that cannot start yet gets the claims that it lacks, so that it is not lost with one of them (S8, S13). */
function pendingSteps(world: World, pod: Pod): readonly Step[] {
  const claims = newClaimsOf(world.set, ordinalOf(pod)).filter(({ metadata }) => !world.claimNamed(metadata.name!))
  return [...(claims.length > 0 ? [{ kind: 'createClaims', pod, claims } as const] : []), ...retentionSteps(world, pod)]
}

/** What a Pod that is there is owed: its identity, its storage, its claims' owners (O11). */
export function repairSteps(world: World, pod: Pod): readonly Step[] {
  const { set } = world
  const ordinal = ordinalOf(pod)
  const isWhole = hasIdentity(set, pod) && hasStorage(set, pod, ordinal)
  const repaired = isWhole ? pod : withStorage(set, withIdentity(pod), ordinal)
  return [...(isWhole ? [] : [{ kind: 'repairPod', pod, repaired } as const]), ...retentionSteps(world, pod)]
}

/** At most one step: it looks at all claims of the Pod. */
export function retentionSteps({ set, claimNamed }: World, pod: Pod): readonly Step[] {
  const isOwed = claimNamesOf(set, ordinalOf(pod)).some(name => {
    const claim = claimNamed(name)
    return claim !== undefined && retentionChangeOf(set, pod, claim).ownerReferences !== undefined
  })
  return isOwed ? [{ kind: 'retainClaims', pod }] : []
}

/** Why an ordered set goes no further than this Pod (O10). */
export function healthWait(world: World, pod: Pod): Wait | undefined {
  if (isPodTerminating(pod)) return { rule: 'PodTerminating', pod }
  if (!isRunningReady(pod)) return { rule: 'PodNotReady', pod }
  return isAvailable(world, pod) ? undefined : { rule: 'PodNotAvailable', pod }
}
