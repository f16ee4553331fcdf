import type { Node, Pod } from '../../../api/core-v1/types.ts'
import { isPodTerminating } from '../../../machinery/pod-state.ts'
import type { Evidence, Problem } from './evidence.ts'

/** The machine of the Pod does not answer, or is no more (N1–N4; kubernetes/kubernetes#54368). */
export function nodeProblemOf(pod: Pod, evidence: Evidence): Problem | undefined {
  const { nodeName } = pod.spec
  if (!nodeName) return undefined
  const silence = silenceOf(nodeName, evidence)
  if (!silence) return undefined
  const { text } = silence
  return {
    reason: 'NodeNotAnswering',
    text: isPodTerminating(pod)
      ? `is being deleted, but ${text}, so its containers may still run there and no second ${pod.metadata.name} may start`
      : `runs on a machine from which nothing is heard: ${text}`,
    isStall: true,
    remedy: isPodTerminating(pod) ? waysOut(pod, nodeName) : `Ends when ${nodeName} answers or its Pods are evicted`,
  }
}

/** Since when nothing was heard from a machine; undefined while it answers. */
export function silenceOf(nodeName: string, evidence: Evidence): { readonly text: string } | undefined {
  const node = evidence.nodeNamed(nodeName)
  const ready = node && readyConditionOf(node)
  if (!ready || ready.status === 'True') return undefined
  const since = ready.lastTransitionTime
  const state = ready.status === 'Unknown' ? 'has not answered' : 'has not been ready'
  return { text: `node ${nodeName} ${state}${since ? ` since ${since}` : ''}` }
}

const readyConditionOf = ({ status }: Node) => status?.conditions?.find(({ type }) => type === 'Ready')

/** Both are for a person who knows that the machine is off: the set itself never takes that risk (D6). */
const waysOut = ({ metadata: { name, namespace } }: Pod, nodeName: string): string =>
  `Ends when ${nodeName} answers; or, once it is known to be off, with "kubectl delete node ${nodeName}" ` +
  `(or its taint node.kubernetes.io/out-of-service=nodeshutdown:NoExecute) or ` +
  `"kubectl delete pod ${name} -n ${namespace} --grace-period=0 --force"`
