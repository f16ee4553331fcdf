import type { Pod } from '../../../api/core-v1/types.ts'
import { isInRange, ordinalOf, replicasOf, revisionOf, startOf } from '../identity.ts'
import type { Wait } from '../wait.ts'
import { isOutdated, isParallel, revisionFor, type World } from '../world.ts'

/** The rule that makes the set wait for this Pod, and what a person can do about it. */
export interface RuleText {
  readonly rule: string
  /** Said when the Pod's own problem has no remedy. */
  readonly remedy?: string
  /** Said when the Pod is stuck and neither has a remedy. */
  readonly stallRemedy?: string
  /** The rule holds back something that the user has asked for: an update, a smaller set. */
  readonly isHolding?: boolean
}

const kubectlDelete = ({ metadata: { name, namespace } }: Pod): string => `"kubectl delete pod ${name} -n ${namespace}"`

/** Why nothing else happens while this Pod is as it is. */
export function ruleTextFor(world: World, wait: Wait, pod: Pod): RuleText {
  switch (wait.rule) {
    case 'PodNotReady':
    case 'PodNotAvailable':
      return orderedRule(world, pod)
    case 'PodTerminating':
    case 'PodEnded':
      return successorRule(world, pod)
    case 'ScalingDown':
      return { rule: 'Pods go one at a time, the highest first' }
    case 'ScaleDownHeld':
      return scaleDownRule(pod, wait.heldBy)
    case 'UpdateBudget':
      return {
        rule: `The update goes on when fewer than ${wait.max} ${wait.max === 1 ? 'Pod is' : 'Pods are'} unavailable (maxUnavailable); ${wait.outdated} still to be replaced`,
      }
    case 'Recreating':
      return { rule: 'Recreate makes no Pod until every outdated one is gone' }
    default:
      return { rule: 'Parallel: no other Pod waits for it', ...stallRemedyBelowPartition(world, pod) }
  }
}

function orderedRule(world: World, pod: Pod): RuleText {
  const { set, condemned } = world
  const { name } = pod.metadata
  if (condemned.length > 0) {
    const names = condemned.map(({ metadata }) => metadata.name).join(' ')
    const end = isHoldingRollout(world, pod) ? releasedBy(world, pod) : 'Ends when it is'
    return {
      rule: `OrderedReady removes no Pod on the way to ${replicasOf(set)} replicas while ${name} is not available`,
      remedy: `${end}; or with "kubectl delete pod ${names} -n ${set.metadata.namespace}", which are not made again`,
      isHolding: true,
    }
  }
  if (isHoldingRollout(world, pod)) {
    return {
      rule: `OrderedReady replaces no Pod while one is not available, so ${name} stays at revision ${revisionOf(pod)} although the template has changed since`,
      remedy: releasedBy(world, pod),
      isHolding: true,
    }
  }
  return {
    rule: `OrderedReady creates, updates and removes no other Pod until ${name} is available`,
    stallRemedy: `Ends when it is ready; a corrected template reaches it only after ${kubectlDelete(pod)}`,
    ...stallRemedyBelowPartition(world, pod),
  }
}

/** Deleted, it would come back as it is (U12, U13): only a lower partition brings it the template that stands now. */
function stallRemedyBelowPartition(world: World, pod: Pod): Pick<RuleText, 'stallRemedy'> {
  const { set, updateRevision } = world
  const ordinal = ordinalOf(pod)
  const index = ordinal - startOf(set)
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0
  const isKept = isOutdated(world, pod) && revisionFor(world, ordinal).metadata.name === revisionOf(pod)
  if (!isKept || index >= partition) return {}
  const then = isParallel(set) ? '' : `, and after ${kubectlDelete(pod)}`
  return {
    stallRemedy:
      `Ends when it is ready; it lies below partition ${partition} and keeps revision ${revisionOf(pod)}: ` +
      `${updateRevision.metadata.name} reaches it only with a partition of at most ${index}${then}`,
  }
}

const releasedBy = (world: World, pod: Pod): string =>
  `Released by ${kubectlDelete(pod)}: it comes back at revision ${revisionFor(world, ordinalOf(pod)).metadata.name}`

/** A broken Pod at a revision that nobody wants any more (B1; kubernetes/kubernetes#60164, #88896, #141095). */
const isHoldingRollout = (world: World, pod: Pod): boolean =>
  isOutdated(world, pod) && revisionFor(world, ordinalOf(pod)).metadata.name !== revisionOf(pod)

function successorRule(world: World, pod: Pod): RuleText {
  const ordinal = ordinalOf(pod)
  if (!isInRange(world.set, ordinal)) return { rule: 'It is not made again' }
  const revision = revisionFor(world, ordinal).metadata.name
  const isKept = revision !== world.updateRevision.metadata.name
  return {
    rule:
      `Its name is taken until it is gone; then it is made again at revision ${revision}` +
      (isKept ? ', since its ordinal lies below the partition' : ''),
  }
}

function scaleDownRule(pod: Pod, heldBy: Pod | undefined): RuleText {
  const lower = heldBy ? `, and ${heldBy.metadata.name} below it is not available either` : ''
  return {
    rule: `OrderedReady removes the highest Pod only while it is available or the only one that is not${lower}`,
    remedy: `Ends when it is ready; or with ${kubectlDelete(pod)}, which is not made again`,
    isHolding: true,
  }
}
