import { expect, test } from 'vitest'
import type { DaemonSet } from '../../api/apps-v1/types.ts'
import type { Pod, PodSpec, Taint } from '../../api/core-v1/types.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { metaOf, nodeOf, type PodTraits, podOf } from '../fixtures.ts'
import { nodeFitOf, targetNodeOf, templateFor } from './daemon-pod.ts'
import { EndedPodBackoff } from './ended-pod-backoff.ts'
import { type DaemonPlan, type DaemonWorld, planNodes } from './plan-nodes.ts'
import { planUpdate } from './plan-update.ts'
import { statusOf } from './status.ts'
import { updateLimitsOf } from './update-limits.ts'

const now = new Date('2026-01-01T01:00:00Z')
const setOf = (podSpec: Partial<PodSpec> = {}, spec: Partial<DaemonSet['spec']> = {}): DaemonSet => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { ...metaOf('agent'), generation: 1 },
  spec: { selector: {}, template: { spec: { containers: [{ name: 'main', image: 'agent' }], ...podSpec } }, ...spec },
  status: { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 },
})
const onNode = (name: string, node: string, traits: PodTraits & { hash?: string } = {}): Pod =>
  podOf(name, {
    ...traits,
    spec: { nodeName: node },
    meta: { labels: { 'controller-revision-hash': traits.hash ?? 'new' }, ...traits.meta },
  })
const worldOf = (pods: readonly Pod[], more: Partial<DaemonWorld> = {}): DaemonWorld => ({
  set: setOf(),
  nodes: ['n1', 'n2', 'n3'].map(name => nodeOf(name)),
  pods,
  hash: 'new',
  limits: { surge: 0, unavailable: 1 },
  now,
  ...more,
})
const removedBy = ({ remove }: DaemonPlan): string[] =>
  remove.map(({ pod, reason }) => `${pod.metadata.name} ${reason}`)
const tainted = (...taints: Taint[]) => nodeOf('n1', { spec: { taints } })

test('a machine with a taint that the set does not tolerate gets no Pod, and keeps one unless it must leave', () => {
  const noSchedule = tainted({ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' })
  expect(nodeFitOf(setOf(), noSchedule)).toEqual({ shouldRun: false, mayStay: true })
  expect(nodeFitOf(setOf(), tainted({ key: 'x', effect: 'NoExecute' }))).toEqual({ shouldRun: false, mayStay: false })
  expect(nodeFitOf(setOf({ tolerations: [{ operator: 'Exists' }] }), noSchedule).shouldRun).toBe(true)
})

test('a daemon runs on machines that are cordoned, not ready or under pressure', () => {
  const keys = ['unschedulable', 'memory-pressure', 'disk-pressure', 'pid-pressure']
  for (const key of keys) {
    expect(nodeFitOf(setOf(), tainted({ key: `node.kubernetes.io/${key}`, effect: 'NoSchedule' })).shouldRun).toBe(true)
  }
  const unreachable = tainted({ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' })
  expect(nodeFitOf(setOf(), unreachable)).toEqual({ shouldRun: true, mayStay: true })
  const noNetwork = tainted({ key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' })
  expect(nodeFitOf(setOf(), noNetwork).shouldRun).toBe(false)
  expect(nodeFitOf(setOf({ hostNetwork: true }), noNetwork).shouldRun).toBe(true)
})

test('labels of the machine decide where the set has a node selector', () => {
  const set = setOf({ nodeSelector: { disk: 'ssd' } })
  expect(nodeFitOf(set, nodeOf('n1')).mayStay).toBe(false)
  expect(nodeFitOf(set, nodeOf('n1', { meta: { labels: { disk: 'ssd' } } })).shouldRun).toBe(true)
})

test('a Pod is meant for one machine by node affinity and leaves binding to the scheduler', () => {
  const { spec } = templateFor(setOf().spec.template, 'n2')
  expect(spec?.nodeName).toBeUndefined()
  expect(targetNodeOf({ ...podOf('a'), spec: spec! })).toBe('n2')
})

test('each machine has one Pod: missing ones are made, surplus, ended and misplaced ones go', () => {
  const pods = [
    onNode('first', 'n1'),
    onNode('second', 'n1', { meta: { creationTimestamp: '2026-01-01T00:30:00Z', labels: {} } }),
    onNode('ended', 'n2', { status: { phase: 'Failed' } }),
  ]
  const plan = planNodes(worldOf(pods))
  expect(plan.create).toEqual(['n3'])
  expect(removedBy(plan)).toEqual(['second Surplus', 'ended Ended'])
  const leaving = nodeOf('n1', { spec: { taints: [{ key: 'x', effect: 'NoExecute' }] } })
  expect(removedBy(planNodes(worldOf(pods.slice(0, 1), { nodes: [leaving] })))).toEqual(['first Misplaced'])
})

test('a Pod that is on its way out is waited for', () => {
  const plan = planNodes(worldOf([onNode('a', 'n1', { isTerminating: true })], { nodes: [nodeOf('n1')] }))
  expect(plan).toEqual({ create: [], remove: [] })
})

test('a Pod that waits for a machine that is gone goes; a bound one is left to Pod GC', () => {
  const waiting = { ...podOf('waiting'), spec: templateFor(setOf().spec.template, 'gone').spec! }
  const plan = planNodes(worldOf([waiting, onNode('bound', 'gone')], { nodes: [] }))
  expect(removedBy(plan)).toEqual(['waiting Misplaced'])
})

test('a rolling update replaces what does not work at once, and working Pods within the limit', () => {
  const working = ['n1', 'n2', 'n3'].map(node => onNode(`old-${node}`, node, { hash: 'old' }))
  expect(removedBy(planUpdate(worldOf(working)))).toEqual(['old-n1 Outdated'])
  const broken = onNode('old-n2', 'n2', { hash: 'old', isReady: false })
  expect(removedBy(planUpdate(worldOf([working[0]!, broken, working[2]!])))).toEqual(['old-n2 Outdated'])
  const starting = onNode('new-n1', 'n1', { isReady: false })
  expect(removedBy(planUpdate(worldOf([starting, ...working.slice(1)])))).toEqual([])
})

test('a surge makes the new Pod first and deletes the old one when the new one is available', () => {
  const limits = { surge: 1, unavailable: 0 }
  const old = ['n1', 'n2', 'n3'].map(node => onNode(`old-${node}`, node, { hash: 'old' }))
  expect(planUpdate(worldOf(old, { limits })).create).toEqual(['n1'])
  const starting = worldOf([...old, onNode('new-n1', 'n1', { isReady: false })], { limits })
  expect(planUpdate(starting)).toEqual({ create: [], remove: [] })
  expect(planNodes(starting)).toEqual({ create: [], remove: [] })
  expect(removedBy(planNodes(worldOf([...old, onNode('new-n1', 'n1')], { limits })))).toEqual(['old-n1 Outdated'])
})

test('under OnDelete nothing is replaced', () => {
  const set = setOf({}, { updateStrategy: { type: 'OnDelete' } })
  expect(planUpdate(worldOf([onNode('old', 'n1', { hash: 'old' })], { set }))).toEqual({ create: [], remove: [] })
})

test('limits are of the wanted number, rounded up, and never both zero', () => {
  const rolling = (maxSurge: number | string, maxUnavailable: number | string) =>
    setOf({}, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } })
  expect(updateLimitsOf(rolling(0, '10%'), 5)).toEqual({ surge: 0, unavailable: 1 })
  expect(updateLimitsOf(rolling('30%', 0), 5)).toEqual({ surge: 2, unavailable: 0 })
  expect(updateLimitsOf(rolling(0, 0), 5)).toEqual({ surge: 0, unavailable: 1 })
})

test('the status counts machines', () => {
  const nodes = [nodeOf('n1'), nodeOf('n2'), tainted({ key: 'x', effect: 'NoSchedule' })].map((node, at) =>
    at === 2 ? { ...node, metadata: { ...node.metadata, name: 'n3' } } : node,
  )
  const pods = [onNode('a', 'n1'), onNode('b', 'n2', { hash: 'old', isReady: false }), onNode('c', 'n3')]
  expect(statusOf({ ...worldOf(pods, { nodes }), collisionCount: undefined })).toEqual({
    desiredNumberScheduled: 2,
    currentNumberScheduled: 2,
    numberMisscheduled: 1,
    numberReady: 1,
    numberAvailable: 1,
    numberUnavailable: 1,
    updatedNumberScheduled: 1,
    observedGeneration: 1,
  })
})

test('a daemon that ends again and again is replaced ever more slowly', async () => {
  const clock = new VirtualClock()
  const backoff = new EndedPodBackoff(clock)
  expect(backoff.take('demo/agent/n1')).toBe(0)
  expect(backoff.take('demo/agent/n1')).toBe(1000)
  await clock.advance(1000)
  expect(backoff.take('demo/agent/n1')).toBe(0)
  expect(backoff.take('demo/agent/n1')).toBe(2000)
  expect(backoff.take('demo/agent/n2')).toBe(0)
})
