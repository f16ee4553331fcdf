import { expect, test } from 'vitest'
import type { Lease } from '../../api/coordination-v1/types.ts'
import type { Node } from '../../api/core-v1/types.ts'
import { nodeOf } from '../fixtures.ts'
import { Heartbeats, unknownConditions } from './node-health.ts'
import { taintsOf } from './node-taints.ts'
import { evictionPaceOf, ZoneGate, zoneOf, zoneStateOf } from './zone-limits.ts'

const now = new Date('2026-01-01T01:00:00Z')
const withReady = (name: string, status: string, zone = 'a'): Node =>
  nodeOf(name, {
    meta: { labels: { 'topology.kubernetes.io/zone': zone } },
    status: { conditions: [{ type: 'Ready', status, lastHeartbeatTime: '2026-01-01T00:00:00Z' }] },
  })
const nodesOf = (ready: number, unready: number, zone = 'a'): Node[] => [
  ...Array.from({ length: ready }, (_, at) => withReady(`r${at}${zone}`, 'True', zone)),
  ...Array.from({ length: unready }, (_, at) => withReady(`u${at}${zone}`, 'Unknown', zone)),
]
const leaseAt = (renewTime: string): Lease => ({ spec: { renewTime } }) as Lease

test('a changed lease or heartbeat is a sign of life, by our clock and not by the time in it', () => {
  const heartbeats = new Heartbeats()
  const node = withReady('n1', 'True')
  expect(heartbeats.silenceMs(node, leaseAt('1999-01-01T00:00:00Z'), 1000)).toBe(0)
  expect(heartbeats.silenceMs(node, leaseAt('1999-01-01T00:00:00Z'), 51_000)).toBe(50_000)
  expect(heartbeats.silenceMs(node, leaseAt('1999-01-01T00:00:10Z'), 52_000)).toBe(0)
  const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:00:05Z' }]
  expect(heartbeats.silenceMs({ ...node, status: { conditions } }, leaseAt('1999-01-01T00:00:10Z'), 60_000)).toBe(0)
})

test('a silent machine is unknown in all that it reports, and what we write of it is no sign of life', () => {
  const node = withReady('n1', 'True')
  const conditions = unknownConditions(node, now)
  expect(conditions.find(({ type }) => type === 'Ready')).toMatchObject({
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
    lastHeartbeatTime: '2026-01-01T00:00:00Z',
    lastTransitionTime: '2026-01-01T01:00:00Z',
  })
  expect(conditions.find(({ type }) => type === 'MemoryPressure')).toMatchObject({
    status: 'Unknown',
    reason: 'NodeStatusNeverUpdated',
  })
  const silent = { ...node, status: { conditions } }
  expect(unknownConditions(silent, new Date('2026-01-01T02:00:00Z'))).toEqual(conditions)
})

test('conditions become taints, and go with them; taints of others stay', () => {
  const taints = [{ key: 'mine', effect: 'NoSchedule' as const }]
  const unknown = { ...withReady('n1', 'Unknown'), spec: { taints, unschedulable: true } }
  const keys = (evicts: boolean) => taintsOf(unknown, { evicts, now }).map(({ key, effect }) => `${key}:${effect}`)
  expect(keys(true)).toEqual([
    'mine:NoSchedule',
    'node.kubernetes.io/unschedulable:NoSchedule',
    'node.kubernetes.io/unreachable:NoSchedule',
    'node.kubernetes.io/unreachable:NoExecute',
  ])
  expect(keys(false)).not.toContain('node.kubernetes.io/unreachable:NoExecute')
  const tainted = { ...withReady('n1', 'True'), spec: { taints: taintsOf(unknown, { evicts: true, now }) } }
  expect(taintsOf(tainted, { evicts: false, now })).toEqual(taints)
})

test('a machine that says itself that it is not ready is tainted as not ready', () => {
  const keys = taintsOf(withReady('n1', 'False'), { evicts: true, now }).map(({ key }) => key)
  expect(keys).toEqual(['node.kubernetes.io/not-ready', 'node.kubernetes.io/not-ready'])
})

test('a taint that stays keeps its time', () => {
  const first = taintsOf(withReady('n1', 'Unknown'), { evicts: true, now })
  const tainted = { ...withReady('n1', 'Unknown'), spec: { taints: first } }
  expect(taintsOf(tainted, { evicts: true, now: new Date('2026-01-01T02:00:00Z') })).toEqual(first)
})

test('a zone is disrupted when more than two and more than half of its machines are gone', () => {
  expect(zoneStateOf(nodesOf(3, 2))).toBe('Normal')
  expect(zoneStateOf(nodesOf(2, 3))).toBe('PartialDisruption')
  expect(zoneStateOf(nodesOf(0, 3))).toBe('FullDisruption')
})

test('machines are emptied one by one, not at all in a small disrupted zone, and slowly in a large one', () => {
  const zone = zoneOf(withReady('x', 'True'))
  expect(evictionPaceOf(zone, nodesOf(3, 1))).toEqual({ type: 'oneEach', intervalMs: 10_000 })
  expect(evictionPaceOf(zone, nodesOf(2, 3))).toEqual({ type: 'stopped' })
  expect(evictionPaceOf(zone, nodesOf(20, 40))).toEqual({ type: 'oneEach', intervalMs: 100_000 })
})

test('when every machine everywhere is gone it is rather us, and nobody is driven off', () => {
  const zone = zoneOf(withReady('x', 'True'))
  expect(evictionPaceOf(zone, nodesOf(0, 3))).toEqual({ type: 'cancelled' })
  expect(evictionPaceOf(zone, [...nodesOf(0, 3), ...nodesOf(1, 0, 'b')])).toMatchObject({ type: 'oneEach' })
})

test('the first machine of a zone passes at once, the next after the interval', () => {
  const gate = new ZoneGate()
  expect(gate.take('a', 10_000, 0)).toBe(0)
  expect(gate.take('a', 10_000, 4000)).toBe(6000)
  expect(gate.take('b', 10_000, 4000)).toBe(0)
  expect(gate.take('a', 10_000, 10_000)).toBe(0)
})
