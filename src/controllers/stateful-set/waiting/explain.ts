import type { Pod } from '../../../api/core-v1/types.ts'
import { isPodTerminating } from '../../../machinery/pod-state.ts'
import { timeOf, timeText } from '../../../machinery/time.ts'
import { replicasOf } from '../identity.ts'
import type { StepFailure } from '../step-failure.ts'
import type { Wait } from '../wait.ts'
import { strategyOf, type World } from '../world.ts'
import { terminatingClaim } from './claim-problem.ts'
import type { Evidence, Problem } from './evidence.ts'
import { problemOf } from './pod-problem.ts'
import { podNameOfStep, refusalOf } from './refusal.ts'
import { type RuleText, ruleTextFor } from './rule-text.ts'

/** What the `Progressing` condition says: True while the set moves or has arrived, False while it is stuck. */
export interface Explanation {
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
  /** Present when it deserves an event; the same cause is told only once. */
  readonly cause?: string
  /** When another look would find that what is under way has become a stall. */
  readonly recheckAfterMs?: number
}

export interface PassOutcome {
  readonly world: World
  readonly wait?: Wait
  readonly failures: readonly StepFailure[]
}

/** Says on what the set waits, since when, by which rule, and what would end the wait. */
export function explanationOf({ world, wait, failures }: PassOutcome, evidence: Evidence): Explanation {
  return refused(world, failures, evidence) ?? (wait ? waiting(world, wait, evidence) : arrived(world))
}

const moving = (reason: string, message: string): Explanation => ({ status: 'True', reason, message })

function refused(world: World, failures: readonly StepFailure[], evidence: Evidence): Explanation | undefined {
  for (const failure of failures) {
    const problem = refusalOf(world, failure, evidence)
    if (problem) return explained(podNameOfStep(failure), problem, { rule: retryRule(world) })
  }
  return undefined
}

const retryRule = ({ set }: World): string =>
  set.spec.podManagementPolicy === 'Parallel'
    ? 'It is tried again, more slowly each time'
    : 'OrderedReady goes no further until it is there; it is tried again, more slowly each time'

function waiting(world: World, wait: Wait, evidence: Evidence): Explanation {
  switch (wait.rule) {
    case 'SetDeleting':
      return moving('SetDeleting', 'The set is being deleted; its Pods go with it, and no new ones are made')
    case 'PodCreated':
      return moving('PodStarting', `Pod ${wait.podName} was created`)
    case 'Updating':
      return moving('Updating', `Pods are being replaced by ones at revision ${world.updateRevision.metadata.name}`)
    case 'ClaimOfFormerPod':
      return formerClaim(wait, evidence)
    case 'OnDelete':
      return moving('WaitingForDelete', onDeleteText(world, wait.outdated))
    case 'Partition':
      return moving('PartitionReached', partitionText(world, wait))
    case 'Recreating':
      return aboutPods(world, wait, { pods: wait.outdated, evidence, movingReason: 'RecreateInProgress' })
    case 'UpdateBudget':
      return aboutPods(world, wait, { pods: wait.unavailable, evidence })
    case 'Settling':
      return wait.unavailable.length > 0
        ? aboutPods(world, wait, { pods: wait.unavailable, evidence })
        : moving('PodStarting', `${wait.missing} of ${replicasOf(world.set)} Pods are being created`)
    case 'PodNotAvailable':
      return moving('MinReadySeconds', minReadyText(world, wait.pod))
    default:
      return aboutPods(world, wait, { pods: [wait.pod], evidence })
  }
}

interface Subjects {
  readonly pods: readonly Pod[]
  readonly evidence: Evidence
  /** Reason while nothing is stuck, when it is not that of the Pod. */
  readonly movingReason?: string
}

/** Pods that are looked at for one that is stuck; of many that start at once the first ones tell enough. */
const EXAMINED_MAX = 20

/** Tells of one Pod: the first that is stuck, else the first. */
function aboutPods(world: World, wait: Wait, { pods, evidence, movingReason }: Subjects): Explanation {
  const found = pods.slice(0, EXAMINED_MAX).map(pod => ({ pod, problem: problemOf(pod, evidence) }))
  const chosen = found.find(({ problem }) => problem.isStall) ?? found[0]
  if (!chosen) return moving(movingReason ?? 'PodStarting', 'Pods are being created')
  const { pod, problem } = chosen
  const rule = ruleTextFor(world, wait, pod)
  const isStuck = problem.isStall || (rule.isHolding === true && !isPodTerminating(pod))
  const others = pods.length > 1 ? ` (${pods.length} Pods are not available)` : ''
  const explanation = explained(pod.metadata.name, { ...problem, isStall: isStuck }, rule, others)
  if (isStuck)
    return {
      ...explanation,
      cause: `${problem.reason} ${pod.metadata.uid} ${rule.isHolding ?? false}${problem.isVague ? ' vague' : ''}`,
    }
  const untilStallMs = Math.min(...found.map(({ problem }) => problem.untilStallMs ?? Number.POSITIVE_INFINITY))
  return {
    ...explanation,
    ...(movingReason && { reason: movingReason }),
    ...(Number.isFinite(untilStallMs) && { recheckAfterMs: untilStallMs }),
  }
}

/** `Pod web-2 cannot …, since …. Rule. What ends it.` */
function explained(podName: string, problem: Problem, text: RuleText, others = ''): Explanation {
  const { rule, remedy, stallRemedy } = text
  const since = problem.since ? `, since ${wholeSeconds(problem.since)}` : ''
  // What releases the rule is said first: it is the shorter way, and the one that is not obvious.
  const ends = remedy ?? problem.remedy ?? (problem.isStall && stallRemedy ? stallRemedy : 'Ends when the Pod is ready')
  const also = remedy && problem.remedy ? `. ${problem.remedy}` : ''
  return {
    status: problem.isStall ? 'False' : 'True',
    reason: problem.reason,
    message: `Pod ${podName} ${problem.text}${since}${others}. ${rule}. ${ends}${also}.`,
    ...(problem.isStall && { cause: `${problem.reason} ${podName}` }),
  }
}

const wholeSeconds = (time: string): string => timeText(timeOf(time))

function formerClaim({ podName, claimName }: Wait & { rule: 'ClaimOfFormerPod' }, evidence: Evidence): Explanation {
  const claim = evidence.claimNamed(claimName)
  const going = claim?.metadata.deletionTimestamp ? terminatingClaim(claim) : undefined
  const since = going?.since ? `, since ${wholeSeconds(going.since)}` : ''
  const text = going?.text ?? `claim ${claimName} is about to be deleted`
  return {
    status: 'False',
    reason: 'ClaimOfFormerPod',
    message:
      `Pod ${podName} is not created, because ${text}${since}: the claim belongs to a Pod of that name that was ` +
      'scaled away (whenScaled: Delete), and a new Pod would lose its data with it. Ends when the claim is gone; a new ' +
      'one is then made with the Pod.',
    cause: `ClaimOfFormerPod ${claim?.metadata.uid ?? claimName}`,
  }
}

const onDeleteText = ({ updateRevision }: World, outdated: readonly Pod[]): string =>
  `OnDelete: ${namesText(outdated)} ${outdated.length === 1 ? 'keeps its' : 'keep their'} old revision until somebody ` +
  `deletes ${outdated.length === 1 ? 'it' : 'them'}; Pods made from now on are at revision ${updateRevision.metadata.name}.`

const NAMES_MAX = 5

function namesText(pods: readonly Pod[]): string {
  const names = pods.slice(0, NAMES_MAX).map(({ metadata }) => metadata.name)
  const more = pods.length > NAMES_MAX ? ` and ${pods.length - NAMES_MAX} more` : ''
  return `Pod${pods.length === 1 ? '' : 's'} ${names.join(', ')}${more}`
}

const partitionText = ({ updateRevision, slots }: World, wait: Wait & { rule: 'Partition' }): string =>
  `partition ${wait.partition}: ${slots.length - wait.outdated} of ${slots.length} Pods are at revision ` +
  `${updateRevision.metadata.name}, the ${wait.outdated} below the partition keep theirs. Goes on when the partition is lowered.`

function minReadyText({ set }: World, pod: Pod): string {
  const ready = pod.status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
  const since = ready ? ` since ${wholeSeconds(ready)}` : ''
  return `Pod ${pod.metadata.name} is ready${since} and counts as available after ${set.spec.minReadySeconds} s (minReadySeconds).`
}

function arrived(world: World): Explanation {
  const { set, updateRevision } = world
  const replicas = replicasOf(set)
  const revision = updateRevision.metadata.name
  if (replicas === 0) return moving('Complete', emptyText(world))
  const reason = strategyOf(world) === 'Recreate' ? 'RecreateComplete' : 'Complete'
  return moving(
    reason,
    `${replicas === 1 ? 'The Pod is' : `All ${replicas} Pods are`} available at revision ${revision}.`,
  )
}

/** Nothing is left to keep the old revision for (T9; kubernetes/kubernetes#121534). */
function emptyText({ set, updateRevision }: World): string {
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0
  const whatever = partition > 0 ? `, whatever the partition: with no Pod left it has nothing to hold back` : ''
  return `No Pods are asked for. The next ones are made at revision ${updateRevision.metadata.name}${whatever}.`
}
