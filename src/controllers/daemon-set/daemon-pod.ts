import type { DaemonSet } from '../../api/apps-v1/types.ts'
import type { Affinity, Node, NodeSelectorTerm, Pod, PodTemplateSpec, Toleration } from '../../api/core-v1/types.ts'
import { requiredNodesOf } from '../../machinery/node-selector.ts'
import { untoleratedTaint } from '../../machinery/taints.ts'

const tolerationOf = (key: string, effect: Toleration['effect']): Toleration => ({
  key: `node.kubernetes.io/${key}`,
  operator: 'Exists',
  effect: effect!,
})

/** A daemon stays where the machine is in trouble: it may be what mends it. */
const TOLERATIONS: readonly Toleration[] = [
  tolerationOf('not-ready', 'NoExecute'),
  tolerationOf('unreachable', 'NoExecute'),
  tolerationOf('disk-pressure', 'NoSchedule'),
  tolerationOf('memory-pressure', 'NoSchedule'),
  tolerationOf('pid-pressure', 'NoSchedule'),
  tolerationOf('unschedulable', 'NoSchedule'),
]
const HOST_NETWORK_TOLERATION = tolerationOf('network-unavailable', 'NoSchedule')

function tolerationsOf({ spec }: PodTemplateSpec): readonly Toleration[] {
  const added = spec?.hostNetwork ? [...TOLERATIONS, HOST_NETWORK_TOLERATION] : TOLERATIONS
  const isSame = (a: Toleration, b: Toleration): boolean =>
    a.key === b.key &&
    a.effect === b.effect &&
    (a.operator ?? 'Equal') === (b.operator ?? 'Equal') &&
    (a.value ?? '') === (b.value ?? '')
  const own = (spec?.tolerations ?? []).filter(toleration => !added.some(other => isSame(toleration, other)))
  return [...own, ...added]
}

/** The template for one machine: bound to it by node affinity, so that the scheduler still has its say. */
export function templateFor(template: PodTemplateSpec, nodeName: string): PodTemplateSpec {
  const spec = template.spec!
  const affinity = affinityFor(spec.affinity, nodeName)
  return { ...template, spec: { ...spec, affinity, tolerations: tolerationsOf(template) } }
}

/** Required terms of the template lose their say here: that they fit this machine was decided before. */
function affinityFor(affinity: Affinity | undefined, nodeName: string): Affinity {
  const term: NodeSelectorTerm = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] }
  const requiredDuringSchedulingIgnoredDuringExecution = { nodeSelectorTerms: [term] }
  return { ...affinity, nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution } }
}

/** The machine that a daemon Pod runs on, or is meant for. */
export function targetNodeOf({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const fields = terms.flatMap(({ matchFields }) => matchFields ?? [])
  return fields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In')?.values?.[0]
}

export interface NodeFit {
  /** A Pod of the set belongs on the machine. */
  readonly shouldRun: boolean
  /** One that is there may stay. */
  readonly mayStay: boolean
}

/** Whether the machine is one for this set: by name, labels and taints, not by room or by cordon. */
export function nodeFitOf({ spec: { template } }: DaemonSet, node: Node): NodeFit {
  const { nodeName } = template.spec!
  const isElsewhere = Boolean(nodeName) && nodeName !== node.metadata.name
  const mayBeHere = requiredNodesOf(template.spec!)?.(node) ?? true
  if (isElsewhere || !mayBeHere) return { shouldRun: false, mayStay: false }
  const tolerations = tolerationsOf(template)
  const { taints } = node.spec
  return {
    shouldRun: !untoleratedTaint(taints, tolerations),
    mayStay: !untoleratedTaint(taints, tolerations, ['NoExecute']),
  }
}
