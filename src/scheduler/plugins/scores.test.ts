import { expect, test } from 'vitest'
import type { Pod } from '../../api/core-v1/types.ts'
import { ClusterState } from '../cluster-state.ts'
import { type NodeTraits, nodeOf, type PodTraits, podOf } from '../fixtures.ts'
import type { Plugin } from '../plugin.ts'
import { podInfoOf } from '../pod-info.ts'
import { balancedAllocation } from './balanced-allocation/balanced-allocation.ts'
import { imageLocality } from './image-locality/image-locality.ts'
import { interPodAffinity } from './inter-pod-affinity/inter-pod-affinity.ts'
import { nodeAffinity } from './node-affinity/node-affinity.ts'
import { nodeResourcesFit } from './node-resources-fit/node-resources-fit.ts'
import { ordinalZone } from './ordinal-zone/ordinal-zone.ts'
import { taintToleration } from './taint-toleration/taint-toleration.ts'
import { topologySpread } from './topology-spread/topology-spread.ts'

const ZONE = 'topology.kubernetes.io/zone'

function stateOf(nodes: Readonly<Record<string, NodeTraits>>, placed: Readonly<Record<string, readonly Pod[]>> = {}) {
  const state = new ClusterState(() => undefined)
  for (const [name, traits] of Object.entries(nodes)) state.setNode(nodeOf(name, traits))
  for (const [name, pods] of Object.entries(placed)) {
    for (const pod of pods) state.place(podInfoOf(pod), name, { isAssumed: false })
  }
  return state
}

/** Scores by machine; undefined when the plugin has no preference. */
function scoresOf(plugin: Plugin, state: ClusterState, traits: PodTraits, name = 'new') {
  const { nodes } = state
  const scorer = plugin.scorerFor?.(podInfoOf(podOf(name, traits)), nodes)
  if (!scorer) return undefined
  const scores = Float64Array.from(nodes, node => scorer.scoreOf(node))
  scorer.normalize?.(scores)
  return Object.fromEntries(nodes.map((node, index) => [node.name, scores[index]]))
}

test('machines with more left are liked more; a Pod that asks for nothing counts as a small one', () => {
  const state = stateOf(
    { empty: { cpu: '1', memory: '1Gi' }, half: { cpu: '1', memory: '1Gi' } },
    {
      half: [podOf('a', { cpu: '500m', memory: '512Mi' })],
    },
  )
  expect(scoresOf(nodeResourcesFit, state, { cpu: '500m', memory: '512Mi' })).toEqual({ empty: 50, half: 0 })
  expect(scoresOf(nodeResourcesFit, state, {})).toEqual({ empty: 85, half: 35 })
})

test('machines whose CPU and memory are used evenly are liked more', () => {
  const state = stateOf({ even: { cpu: '1', memory: '1Gi' }, odd: { cpu: '1', memory: '4Gi' } })
  expect(scoresOf(balancedAllocation, state, { cpu: '500m', memory: '512Mi' })).toEqual({ even: 100, odd: 81 })
  expect(scoresOf(balancedAllocation, state, {})).toBeUndefined()
})

test('fewer taints that only prefer are liked more', () => {
  const soft = { key: 'soft', effect: 'PreferNoSchedule' as const }
  const state = stateOf({ clean: {}, tainted: { spec: { taints: [soft] } } })
  expect(scoresOf(taintToleration, state, {})).toEqual({ clean: 100, tainted: 0 })
  const tolerations = [{ key: 'soft', operator: 'Exists' as const }]
  expect(scoresOf(taintToleration, state, { spec: { tolerations } })).toEqual({ clean: 100, tainted: 100 })
})

test('preferred node affinity adds up its weights', () => {
  const preference = (value: string) => ({
    matchExpressions: [{ key: 'disk', operator: 'In' as const, values: [value] }],
  })
  const affinity = {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 80, preference: preference('ssd') },
        { weight: 20, preference: preference('hdd') },
      ],
    },
  }
  const state = stateOf({ a: { labels: { disk: 'ssd' } }, b: { labels: { disk: 'hdd' } }, c: {} })
  expect(scoresOf(nodeAffinity, state, { spec: { affinity } })).toEqual({ a: 100, b: 25, c: 0 })
})

test('preferred Pod affinity draws to a domain, preferred anti-affinity pushes from it', () => {
  const podAffinityTerm = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'db' } } }
  const terms = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm }] }
  const state = stateOf(
    { a1: { labels: { zone: 'a' } }, a2: { labels: { zone: 'a' } }, b: { labels: { zone: 'b' } } },
    { a1: [podOf('db', { labels: { app: 'db' } })] },
  )
  const plugin = interPodAffinity(state, () => undefined)
  expect(scoresOf(plugin, state, { spec: { affinity: { podAffinity: terms } } })).toEqual({ a1: 100, a2: 100, b: 0 })
  expect(scoresOf(plugin, state, { spec: { affinity: { podAntiAffinity: terms } } })).toEqual({ a1: 0, a2: 0, b: 100 })
  expect(scoresOf(plugin, state, {})).toBeUndefined()
})

test('what placed Pods prefer of a newcomer counts as well', () => {
  const podAffinityTerm = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'web' } } }
  const affinity = {
    podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm }] },
  }
  const state = stateOf(
    { a: { labels: { zone: 'a' } }, b: { labels: { zone: 'b' } } },
    { a: [podOf('shy', { spec: { affinity } })] },
  )
  const plugin = interPodAffinity(state, () => undefined)
  expect(scoresOf(plugin, state, { labels: { app: 'web' } })).toEqual({ a: 0, b: 100 })
})

test('soft spreading prefers domains with fewer Pods; machines outside of every domain come last', () => {
  const state = stateOf(
    { a: { labels: { zone: 'a' } }, b: { labels: { zone: 'b' } }, nowhere: {} },
    { a: [podOf('w', { labels: { app: 'web' } })] },
  )
  const constraint = { topologyKey: 'zone', maxSkew: 1, labelSelector: { matchLabels: { app: 'web' } } }
  const spec = { topologySpreadConstraints: [{ ...constraint, whenUnsatisfiable: 'ScheduleAnyway' as const }] }
  const plugin = topologySpread(state, () => undefined)
  expect(scoresOf(plugin, state, { labels: { app: 'web' }, spec })).toEqual({ a: 0, b: 100, nowhere: 0 })
})

test('Pods that belong together are spread over machines and zones without asking for it', () => {
  const labels = { app: 'web' }
  const state = stateOf(
    { a: { labels: { [ZONE]: 'a' } }, b: { labels: { [ZONE]: 'b' } } },
    { a: [podOf('w', { labels })] },
  )
  const group = () => [{ key: 'app', operator: 'In' as const, values: ['web'] }]
  const scores = scoresOf(topologySpread(state, group), state, { labels })!
  expect(scores.b).toBeGreaterThan(scores.a!)
})

test('machines that have the image are liked, the more of them there are', () => {
  const images = [{ names: ['app:1'], sizeBytes: 500 * 1024 * 1024 }]
  const state = stateOf({ has: {}, lacks: {} })
  state.setNode({ ...nodeOf('has'), status: { ...nodeOf('has').status, images } })
  expect(scoresOf(imageLocality(state), state, {})).toEqual({ has: 23, lacks: 0 })
})

test('each ordinal of a set has a zone of its own, the same one every time', () => {
  const zones = { a: { labels: { [ZONE]: 'a' } }, b: { labels: { [ZONE]: 'b' } }, c: { labels: { [ZONE]: 'c' } } }
  const state = stateOf(zones)
  const owner = { kind: 'StatefulSet', name: 'db', uid: 'u' }
  const zoneOf = (name: string) => {
    const scores = scoresOf(ordinalZone(state), state, { owner }, name)!
    return Object.keys(scores).find(node => scores[node] === 100)
  }
  const first = ['db-0', 'db-1', 'db-2', 'db-3'].map(zoneOf)
  expect(new Set(first.slice(0, 3)).size).toBe(3)
  expect(first[3]).toBe(first[0])
  expect(['db-0', 'db-1', 'db-2', 'db-3'].map(zoneOf)).toEqual(first)
  expect(scoresOf(ordinalZone(state), state, {}, 'db-0')).toBeUndefined()
})
