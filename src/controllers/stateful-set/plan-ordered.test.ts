import { expect, test } from 'vitest'
import { controllerReferenceTo } from '../../machinery/object.ts'
import { claimOf, dataTemplate, member, setOf, stepTexts, type WorldTraits, worldOf } from './fixtures.ts'
import { planPass } from './plan-pass.ts'

const plan = (traits: WorldTraits) => planPass(worldOf(traits))
const steps = (traits: WorldTraits) => stepTexts(plan(traits))

/** All Pods at the new revision, so that no update is due. */
const ordered = (pods: string, spec: WorldTraits['spec'] = {}) => steps({ pods, spec })

test('O8: at most one Pod is created in a pass', () => {
  expect(ordered('')).toEqual(['create 0'])
  expect(ordered('A')).toEqual(['create 1'])
  expect(ordered('AA')).toEqual(['create 2'])
  expect(ordered('AAA')).toEqual([])
})

test.each([
  ['pending', 'P', 'PodNotReady'],
  ['not ready', 'U', 'PodNotReady'],
  ['terminating', 'T', 'PodTerminating'],
])('O10: nothing is created above a Pod that is %s', (_state, letter, rule) => {
  expect(plan({ pods: letter })).toMatchObject({ stages: [], wait: { rule, pod: { metadata: { name: 'web-0' } } } })
})

test('O3, O10, U19: a ready Pod counts only after minReadySeconds', () => {
  const young = { readySince: '2026-01-01T00:59:50Z' }
  const members = [member(setOf(), 0, 'A', young)]
  expect(plan({ members, spec: { minReadySeconds: 11 } })).toMatchObject({ wait: { rule: 'PodNotAvailable' } })
  expect(steps({ members, spec: { minReadySeconds: 10 } })).toEqual(['create 1'])
})

test('O12, X3: a missing lower Pod is made again though a higher one is not healthy', () => {
  expect(ordered('.U')).toEqual(['create 0'])
  expect(ordered('U.A')).toEqual([])
})

test.each(['F', 'S'])('O7: an ended Pod is deleted, and its successor waits until it is gone (%s)', letter => {
  expect(plan({ pods: `A${letter}` })).toMatchObject({ wait: { rule: 'PodEnded' } })
  expect(ordered(`A${letter}`)).toEqual(['delete web-1'])
})

test('O7: an ended Pod that is already going is not deleted again', () => {
  const set = setOf()
  const pod = member(set, 0, 'F', { isTerminating: true })
  expect(steps({ members: [pod] })).toEqual([])
})

test('O1: Pods outside the range are condemned, those without an ordinal ignored', () => {
  const set = setOf()
  const members = [0, 1, 2, 3].map(ordinal => member(set, ordinal, 'A'))
  const odd = member(set, 0, 'A', { meta: { name: 'web-99999999999' } })
  const world = worldOf({ members: [...members, odd], spec: { replicas: 2, ordinals: { start: 1 } } })
  expect(world.slots.map(({ ordinal }) => ordinal)).toEqual([1, 2])
  expect(world.condemned.map(({ metadata }) => metadata.name)).toEqual(['web-3', 'web-0'])
})

test('O14: condemned Pods go one at a time from the top', () => {
  expect(ordered('AAA', { replicas: 1 })).toEqual(['delete web-2'])
  expect(ordered('AAT', { replicas: 1 })).toEqual([])
  expect(ordered('AA', { replicas: 1 })).toEqual(['delete web-1'])
})

test.each([
  ['AAU', 'delete web-2', 'the unhealthy top is the only unhealthy Pod'],
  ['AUA', 'delete web-2', 'the healthy top goes first'],
  ['AU.', 'delete web-1', 'then the unhealthy one below'],
])('W3, O15: scaling 3 to 1 with %s: %s, since %s', (pods, step) => {
  expect(ordered(pods, { replicas: 1 })).toEqual([step])
})

test('W3: with two unhealthy condemned Pods the higher one blocks', () => {
  expect(plan({ pods: 'AUU', spec: { replicas: 1 } })).toMatchObject({
    stages: [],
    wait: { rule: 'ScaleDownHeld', pod: { metadata: { name: 'web-2' } }, heldBy: { metadata: { name: 'web-1' } } },
  })
})

test('W3: an unhealthy slot blocks before any deletion', () => {
  expect(ordered('UAA', { replicas: 1 })).toEqual([])
})

test('W4, #57865: scaling to zero stops while all are unready', () => {
  expect(plan({ pods: 'UUU', spec: { replicas: 0 } })).toMatchObject({ stages: [], wait: { rule: 'ScaleDownHeld' } })
})

test('O17, W7, X24: a moved range is filled first, then what lies outside goes', () => {
  const spec = { replicas: 3, ordinals: { start: 2 } }
  expect(ordered('AA', spec)).toEqual(['create 2'])
  expect(ordered('AAAA', spec)).toEqual(['create 4'])
  expect(ordered('AAAAA', spec)).toEqual(['delete web-1'])
})

test('O5: a set that is being deleted does nothing more', () => {
  const meta = { deletionTimestamp: '2026-01-01T00:00:00Z' }
  expect(plan({ pods: 'F', meta })).toEqual({ stages: [], wait: { rule: 'SetDeleting' } })
})

test('O20: with zero replicas everything is condemned', () => {
  expect(ordered('AAA', { replicas: 0 })).toEqual(['delete web-2'])
})

test('O19: the update is reached only when slots and condemned Pods are settled', () => {
  expect(steps({ pods: 'aaaA', spec: { replicas: 3 } })).toEqual(['delete web-3'])
  expect(steps({ pods: 'aaa' })).toEqual(['delete web-2'])
  expect(steps({ pods: 'aua' })).toEqual([])
})

test('I8, O11: lost identity is repaired on the way up, before the next Pod is made', () => {
  const set = setOf()
  const nameless = member(set, 0, 'A', { meta: { labels: { app: 'web', 'controller-revision-hash': 'web-new' } } })
  expect(steps({ members: [nameless] })).toEqual(['repair web-0', 'create 1'])
})

const claims = { volumeClaimTemplates: [dataTemplate] }

test('S8, O9, #74374: a Pending Pod gets the claim that it lacks', () => {
  expect(steps({ pods: 'P', spec: claims })).toEqual(['claims web-0'])
  expect(steps({ pods: 'P', spec: claims, claims: [claimOf('data-web-0')] })).toEqual([])
})

test.each([
  ['before it was made', '2025-12-31T23:59:58Z', ['delete web-0']],
  ['only later', '2026-01-01T00:00:01Z', []],
])('S5, B14, #74374: a Pending Pod goes when its claim was on its way out %s', (_, deletionTimestamp, expected) => {
  const going = [claimOf('data-web-0', { deletionTimestamp })]
  expect(steps({ pods: 'P', spec: claims, claims: going })).toEqual(expected)
  expect(steps({ pods: 'U', spec: claims, claims: going })).toEqual([])
})

test('S17, O8: the claim of a former Pod stops the pass without a step', () => {
  const former = { ...controllerReferenceTo(member(setOf(), 0, 'A')), uid: 'former' }
  const claim = claimOf('data-web-0', { ownerReferences: [former] })
  const spec = { ...claims, persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' } }
  expect(plan({ spec, claims: [claim] })).toEqual({
    stages: [],
    wait: { rule: 'ClaimOfFormerPod', podName: 'web-0', claimName: 'data-web-0' },
  })
})

test('S13, O13: claims of condemned Pods get their owner before the Pod is deleted', () => {
  const spec = { ...claims, replicas: 1, persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' } }
  const set = setOf(spec)
  const members = [0, 1, 2].map(ordinal => {
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: `data-web-${ordinal}` } }]
    return member(set, ordinal, 'A', { spec: { volumes } })
  })
  const owned = [0, 1, 2].map(ordinal => claimOf(`data-web-${ordinal}`))
  expect(planPass(worldOf({ members, spec, claims: owned })).stages.map(stage => stage.length)).toEqual([2, 1])
  expect(steps({ members, spec, claims: owned })).toEqual(['retain web-2', 'retain web-1', 'delete web-2'])
})
