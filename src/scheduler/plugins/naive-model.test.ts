import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Node, Pod, PodAffinityTerm, Taint, Toleration } from '../../api/core-v1/types.ts'
import type { LabelSelector } from '../../api/meta-v1/types.ts'
import { ClusterState } from '../cluster-state.ts'
import { nodeOf, podOf } from '../fixtures.ts'
import type { Plugin } from '../plugin.ts'
import { podInfoOf } from '../pod-info.ts'
import { interPodAffinity } from './inter-pod-affinity/inter-pod-affinity.ts'
import { nodeAffinity } from './node-affinity/node-affinity.ts'
import { nodePorts } from './node-ports/node-ports.ts'
import { nodeResourcesFit } from './node-resources-fit/node-resources-fit.ts'
import { nodeUnschedulable } from './node-unschedulable/node-unschedulable.ts'
import { taintToleration } from './taint-toleration/taint-toleration.ts'
import { topologySpread } from './topology-spread/topology-spread.ts'

/** The same rules, read from the documentation and applied to plain lists, without any bookkeeping. */
interface NaiveWorld {
  readonly nodes: readonly Node[]
  readonly placed: readonly { readonly pod: Pod; readonly node: string }[]
}
type Rule = (pod: Pod, node: Node, world: NaiveWorld) => boolean

const labelsOf = (node: Node) => node.metadata.labels ?? {}
const podsOn = ({ placed }: NaiveWorld, node: Node) =>
  placed.filter(each => each.node === node.metadata.name).map(({ pod }) => pod)
const milli = (text: unknown) => (String(text).endsWith('m') ? Number.parseInt(String(text), 10) : Number(text) * 1000)
const cpuOf = (pod: Pod) => pod.spec.containers.reduce((sum, c) => sum + milli(c.resources?.requests?.cpu ?? 0), 0)

const selects = (selector: LabelSelector | undefined, pod: Pod): boolean =>
  selector !== undefined &&
  Object.entries(selector.matchLabels ?? {}).every(([key, value]) => pod.metadata.labels?.[key] === value)

const fits: Rule = (pod, node, world) => {
  const there = podsOn(world, node)
  const used = there.reduce((sum, each) => sum + cpuOf(each), 0)
  const wanted = cpuOf(pod)
  const { cpu, pods } = node.status.allocatable!
  return there.length < Number(pods) && (wanted === 0 || used + wanted <= milli(cpu))
}

const hasPorts: Rule = (pod, node, world) => {
  const portsOf = ({ spec }: Pod) => spec.containers.flatMap(({ ports = [] }) => ports).filter(port => port.hostPort)
  const any = (ip: string | undefined) => !ip || ip === '0.0.0.0'
  return !portsOf(pod).some(wanted =>
    podsOn(world, node)
      .flatMap(portsOf)
      .some(
        taken =>
          taken.hostPort === wanted.hostPort &&
          (taken.protocol ?? 'TCP') === (wanted.protocol ?? 'TCP') &&
          (any(taken.hostIP) || any(wanted.hostIP) || taken.hostIP === wanted.hostIP),
      ),
  )
}

const tolerated = (tolerations: readonly Toleration[], taint: Taint): boolean =>
  tolerations.some(
    ({ key, operator, value, effect }) =>
      (!effect || effect === taint.effect) &&
      (operator === 'Exists' ? !key || key === taint.key : key === taint.key && (value ?? '') === (taint.value ?? '')),
  )
const isUntainted: Rule = ({ spec }, node) =>
  (node.spec.taints ?? []).every(
    taint => taint.effect === 'PreferNoSchedule' || tolerated(spec.tolerations ?? [], taint),
  )
const isOpen: Rule = (_pod, node) => !node.spec.unschedulable

const isSelected: Rule = ({ spec }, node) => {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const labels = labelsOf(node)
  const bySelector = Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)
  const byAffinity =
    !terms ||
    terms.some(({ matchExpressions = [] }) =>
      matchExpressions.every(({ key, operator, values = [] }) =>
        operator === 'In' ? values.includes(labels[key]!) : !values.includes(labels[key]!),
      ),
    )
  return bySelector && byAffinity
}

const isNearAndApart: Rule = (pod, node, { nodes, placed }) => {
  const sharesDomain = (other: string, key: string): boolean => {
    const domain = labelsOf(node)[key]
    const there = nodes.find(({ metadata }) => metadata.name === other)
    return domain !== undefined && there !== undefined && labelsOf(there)[key] === domain
  }
  const required = (one: Pod, side: 'podAffinity' | 'podAntiAffinity'): readonly PodAffinityTerm[] =>
    one.spec.affinity?.[side]?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  const near = required(pod, 'podAffinity')
  const wanted = placed.filter(other => near.every(term => selects(term.labelSelector, other.pod)))
  const inSomeDomain = (term: PodAffinityTerm) =>
    wanted.some(other => labelsOf(nodes.find(n => n.metadata.name === other.node)!)[term.topologyKey] !== undefined)
  const isFirst = !near.some(inSomeDomain) && near.every(term => selects(term.labelSelector, pod))
  const isNear = isFirst
    ? near.every(term => labelsOf(node)[term.topologyKey] !== undefined)
    : near.every(term => wanted.some(other => sharesDomain(other.node, term.topologyKey)))
  const isApart = placed.every(other =>
    required(pod, 'podAntiAffinity')
      .filter(term => selects(term.labelSelector, other.pod))
      .concat(required(other.pod, 'podAntiAffinity').filter(term => selects(term.labelSelector, pod)))
      .every(term => !sharesDomain(other.node, term.topologyKey)),
  )
  return isNear && isApart
}

const isSpread: Rule = (pod, node, world) => {
  const constraints = (pod.spec.topologySpreadConstraints ?? []).filter(c => c.whenUnsatisfiable === 'DoNotSchedule')
  const taking = world.nodes.filter(each => constraints.every(c => labelsOf(each)[c.topologyKey] !== undefined))
  return constraints.every(constraint => {
    const { topologyKey, labelSelector, maxSkew, minDomains = 1 } = constraint
    const own = labelsOf(node)[topologyKey]
    if (own === undefined) return false
    const eligible = taking.filter(each => isSelected(pod, each, world))
    const countIn = (domain: string) =>
      eligible
        .filter(each => labelsOf(each)[topologyKey] === domain)
        .flatMap(each => podsOn(world, each))
        .filter(other => !other.metadata.deletionTimestamp && selects(labelSelector, other)).length
    const domains = [...new Set(eligible.map(each => labelsOf(each)[topologyKey]!))]
    const least = domains.length < minDomains || domains.length === 0 ? 0 : Math.min(...domains.map(countIn))
    return countIn(own) + (selects(labelSelector, pod) ? 1 : 0) - least <= maxSkew
  })
}

const key = fc.constantFrom('zone', 'rack', 'kubernetes.io/hostname')
const labels = fc.record({ app: fc.constantFrom('web', 'db'), tier: fc.constantFrom('front', 'back') })
const selector = fc
  .oneof(fc.record({ app: fc.constantFrom('web', 'db') }), fc.record({ tier: fc.constantFrom('front', 'back') }))
  .map(matchLabels => ({ matchLabels }))
const terms = fc.array(fc.record({ topologyKey: key, labelSelector: selector }), { maxLength: 2 })
const effect = fc.constantFrom('NoSchedule' as const, 'NoExecute' as const, 'PreferNoSchedule' as const)

const node = fc.record({
  cpu: fc.constantFrom('1', '2', '500m'),
  pods: fc.constantFrom('1', '3', '10'),
  labels: fc.record({ zone: fc.constantFrom('a', 'b'), rack: fc.constantFrom('1', '2', '3') }, { requiredKeys: [] }),
  spec: fc.record({
    unschedulable: fc.boolean(),
    taints: fc.array(fc.record({ key: fc.constantFrom('x', 'y'), value: fc.constantFrom('1', '2'), effect }), {
      maxLength: 1,
    }),
  }),
})

const port = fc.record(
  {
    containerPort: fc.constant(80),
    hostPort: fc.constantFrom(80, 443),
    hostIP: fc.constantFrom('0.0.0.0', '10.0.0.1', '10.0.0.2'),
    protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
  },
  { requiredKeys: ['containerPort'] },
)

const pod = fc
  .record({
    labels,
    cpu: fc.constantFrom('100m', '600m', '0'),
    ports: fc.array(port, { maxLength: 1 }),
    near: terms,
    apart: terms,
    isTerminating: fc.boolean(),
    tolerations: fc.array(
      fc.record(
        {
          key: fc.constantFrom('x', 'y'),
          operator: fc.constantFrom('Exists' as const, 'Equal' as const),
          value: fc.constantFrom('1', '2'),
          effect,
        },
        { requiredKeys: ['key', 'operator'] },
      ),
      { maxLength: 2 },
    ),
    nodeSelector: fc.record({ zone: fc.constantFrom('a', 'b') }, { requiredKeys: [] }),
    racks: fc.option(
      fc.record({ operator: fc.constantFrom('In' as const, 'NotIn' as const), values: fc.subarray(['1', '2', '3']) }),
      { nil: undefined },
    ),
    spread: fc.array(
      fc.record({
        topologyKey: key,
        labelSelector: selector,
        maxSkew: fc.integer({ min: 1, max: 2 }),
        minDomains: fc.integer({ min: 1, max: 3 }),
        whenUnsatisfiable: fc.constantFrom('DoNotSchedule' as const, 'ScheduleAnyway' as const),
      }),
      { maxLength: 2 },
    ),
  })
  .map(({ labels: own, cpu, ports, near, apart, isTerminating, tolerations, nodeSelector, racks, spread }) => {
    const made = podOf('pod', {
      labels: own,
      spec: {
        containers: [{ name: 'main', ports, resources: { requests: { cpu } } }],
        tolerations,
        nodeSelector,
        topologySpreadConstraints: spread,
        affinity: {
          podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near },
          podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: apart },
          ...(racks && {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: 'rack', ...racks }] }],
              },
            },
          }),
        },
      },
    })
    const deletion = isTerminating ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}
    return { ...made, metadata: { ...made.metadata, ...deletion } }
  })

const world = fc.record({
  nodes: fc.array(node, { minLength: 1, maxLength: 6 }),
  /** Each Pod comes to a machine; some leave again, so that sums and counts must go down as well as up. */
  placed: fc.array(fc.record({ pod, on: fc.nat(5), leaves: fc.boolean() }), { maxLength: 12 }),
  candidates: fc.array(pod, { minLength: 1, maxLength: 3 }),
})

const named = (one: Pod, name: string): Pod => ({ ...one, metadata: { ...one.metadata, name, uid: `uid-of-${name}` } })

const cases: readonly {
  readonly name: string
  readonly plugin: (state: ClusterState) => Plugin
  readonly rule: Rule
}[] = [
  { name: 'resources', plugin: () => nodeResourcesFit, rule: fits },
  { name: 'host ports', plugin: () => nodePorts, rule: hasPorts },
  { name: 'taints', plugin: () => taintToleration, rule: isUntainted },
  { name: 'cordoned machines', plugin: () => nodeUnschedulable, rule: isOpen },
  { name: 'node affinity', plugin: () => nodeAffinity, rule: isSelected },
  { name: 'inter-Pod affinity', plugin: state => interPodAffinity(state, () => undefined), rule: isNearAndApart },
  { name: 'topology spread', plugin: state => topologySpread(state, () => undefined), rule: isSpread },
]

test.each(cases)('$name: the plugin allows just the machines that the rules allow', ({ plugin, rule }) => {
  fc.assert(
    fc.property(world, ({ nodes, placed, candidates }) => {
      const state = new ClusterState(() => undefined)
      const made = nodes.map((traits, index) => nodeOf(`node-${index}`, traits))
      for (const each of made) state.setNode(each)
      const subject = plugin(state)
      const asked = candidates.map((each, index) => podInfoOf(named(each, `candidate-${index}`)))
      subject.filterFor?.(asked[0]!) // What is counted now must be kept right through all that follows.
      const staying: { pod: Pod; node: string }[] = []
      for (const [index, { pod: one, on, leaves }] of placed.entries()) {
        const placedPod = named(one, `pod-${index}`)
        const nodeName = `node-${on % nodes.length}`
        state.place(podInfoOf(placedPod), nodeName, { isAssumed: false })
        if (leaves) state.remove(placedPod.metadata.uid)
        else staying.push({ pod: placedPod, node: nodeName })
      }
      for (const info of asked) {
        const filter = subject.filterFor?.(info)
        const allowed = state.nodes
          .filter(each => !filter || (filter.kind === 'where' && filter.refusalOf(each) === undefined))
          .map(({ name }) => name)
        const expected = made
          .filter(each => rule(info.pod, each, { nodes: made, placed: staying }))
          .map(({ metadata }) => metadata.name)
        expect(allowed.sort()).toEqual(expected.sort())
      }
    }),
    { numRuns: 300 },
  )
})
