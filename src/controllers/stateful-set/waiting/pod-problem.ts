import type { Pod } from '../../../api/core-v1/types.ts'
import { hasPodEnded, isPodTerminating, podConditionOf } from '../../../machinery/pod-state.ts'
import { claimProblemOf, volumePlacesOf } from './claim-problem.ts'
import { containerProblemOf } from './container-problem.ts'
import { cut, type Evidence, lastLineOf, type Problem } from './evidence.ts'
import { nodeProblemOf } from './node-problem.ts'
import { volumeProblemOf } from './volume-problem.ts'

/** What keeps the Pod from being ready, or from being gone. Always says something. */
export function problemOf(pod: Pod, evidence: Evidence): Problem {
  if (isPodTerminating(pod)) return nodeProblemOf(pod, evidence) ?? terminationOf(pod)
  if (hasPodEnded(pod)) return endingOf(pod)
  return (
    nodeProblemOf(pod, evidence) ??
    schedulingProblemOf(pod, evidence) ??
    volumeProblemOf(pod, evidence) ??
    withSince(containerProblemOf(pod, evidence), pod) ??
    startOf(pod)
  )
}

/** Terminating in the ordinary way, or held by somebody's finalizer. */
function terminationOf({ metadata }: Pod): Problem {
  const since = metadata.deletionTimestamp
  const finalizers = metadata.finalizers ?? []
  const isHeld = finalizers.length > 0
  return {
    reason: isHeld ? 'PodHeldByFinalizer' : 'PodTerminating',
    text: isHeld ? `is being deleted, but held by ${finalizers.join(', ')}` : 'is being deleted',
    ...(since && { since }),
    isStall: isHeld,
    remedy: isHeld ? `Ends when whoever set ${finalizers[0]} removes it` : 'Ends when its containers have stopped',
  }
}

/** Evicted, refused by the kubelet, or run to its end: replaced without anybody's help (O7, D8, D9). */
function endingOf({ status }: Pod): Problem {
  const why = [status.reason, lastLineOf(status.message)].filter(Boolean).join(': ')
  const how = status.phase === 'Succeeded' ? 'has ended' : 'has failed'
  return { reason: 'PodEnded', text: `${how}${why ? ` (${why})` : ''} and is replaced`, isStall: false }
}

function schedulingProblemOf(pod: Pod, evidence: Evidence): Problem | undefined {
  if (pod.spec.nodeName) return undefined
  const claim = claimProblemOf(pod, evidence)
  const scheduled = podConditionOf(pod, 'PodScheduled')
  const isUnschedulable = scheduled?.status === 'False'
  if (!isUnschedulable && claim?.reason !== 'ClaimTerminating') return undefined
  const said = isUnschedulable ? cut(scheduled.message ?? scheduled.reason ?? '') : ''
  const places = /volume node affinity/.test(said) ? volumePlacesOf(pod, evidence) : undefined
  const detail = places ?? claim?.text
  const since = claim?.since ?? scheduled?.lastTransitionTime
  return {
    reason: claim?.reason ?? 'Unschedulable',
    text: [said && `cannot be scheduled: ${said}`, detail].filter(Boolean).join('; '),
    ...(since && { since }),
    isStall: true,
  }
}

function withSince(problem: Problem | undefined, pod: Pod): Problem | undefined {
  const since = problem?.since ?? podConditionOf(pod, 'Ready')?.lastTransitionTime
  return problem && { ...problem, ...(since && { since }) }
}

/** Nothing wrong is known: it is on its way up. */
function startOf(pod: Pod): Problem {
  const since = podConditionOf(pod, 'Ready')?.lastTransitionTime ?? pod.metadata.creationTimestamp
  const text = pod.status?.phase === 'Running' ? 'runs, but is not ready yet' : 'is starting'
  return { reason: 'PodStarting', text, ...(since && { since }), isStall: false }
}
