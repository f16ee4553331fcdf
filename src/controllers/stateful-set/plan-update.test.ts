import { expect, test } from 'vitest'
import { setOf, stepTexts, type WorldTraits, worldOf } from './fixtures.ts'
import { planPass } from './plan-pass.ts'
import { maxUnavailableOf, planOrderedUpdate, planParallelUpdate, type planUpdate } from './plan-update.ts'
import { revisionFor, type World } from './world.ts'

type RollingUpdate = { partition?: number; maxUnavailable?: number | string }

const rolling = (replicas: number, rollingUpdate?: RollingUpdate) => ({
  replicas,
  updateStrategy: { type: 'RollingUpdate' as const, ...(rollingUpdate && { rollingUpdate }) },
})

/** Ordinals that are still there after the step. */
function remaining(world: World, plan: (world: World) => ReturnType<typeof planUpdate>): readonly number[] {
  const deleted = new Set(stepTexts(plan(world)).map(text => text.replace('delete ', '')))
  return world.slots.filter(({ pod }) => pod && !deleted.has(pod.metadata.name)).map(({ ordinal }) => ordinal)
}

test.each([
  ['aau', { maxUnavailable: 1 }, [0, 1]],
  ['aaauu', { maxUnavailable: 2 }, [0, 1, 2]],
  ['aat', { maxUnavailable: 1 }, [0, 1, 2]],
  ['aaaut', { maxUnavailable: 3 }, [0, 1, 4]],
  ['auaaa', { maxUnavailable: 1, partition: 2 }, [0, 1, 2, 3, 4]],
  ['aauaa', { maxUnavailable: 1, partition: 2 }, [0, 1, 3, 4]],
  ['auaau', { maxUnavailable: 2, partition: 3 }, [0, 1, 2, 3]],
  ['uuaa', { maxUnavailable: 2 }, [2, 3]],
  ['uuaaa', { maxUnavailable: 3 }, [2, 3]],
])('U11, B8, #137409: Parallel, Pods %s, %o: %o stay', (pods, rollingUpdate, stay) => {
  const world = worldOf({ pods, spec: rolling(pods.length, rollingUpdate) })
  expect(remaining(world, planParallelUpdate)).toEqual(stay)
})

test('U9, U11: OrderedReady charges unavailable Pods and deletions alike', () => {
  const world = worldOf({ pods: 'aaaut', spec: rolling(5, { maxUnavailable: 3 }) })
  expect(remaining(world, planOrderedUpdate)).toEqual([0, 1, 2, 4])
})

test('U9: with two allowed to be unavailable, two go at once from the top', () => {
  expect(stepTexts(planPass(worldOf({ pods: 'aaaaa', spec: rolling(5, { maxUnavailable: 2 }) })))).toEqual([
    'delete web-4',
    'delete web-3',
  ])
})

test('U10: what was deleted is made again one by one, the lowest first', () => {
  const spec = rolling(5, { maxUnavailable: 2 })
  expect(stepTexts(planPass(worldOf({ pods: 'aaa', spec })))).toEqual(['create 3'])
  expect(stepTexts(planPass(worldOf({ pods: 'aaaU', spec })))).toEqual([])
})

test.each([
  [3, 3],
  ['50%', 2],
  ['10%', 1],
  [undefined, 1],
])('U8, B25: maxUnavailable %s of five replicas is %i', (maxUnavailable, expected) => {
  const strategy = maxUnavailable === undefined ? rolling(5) : rolling(5, { maxUnavailable })
  expect(maxUnavailableOf(setOf(strategy))).toBe(expected)
})

const oneByOne = (pods: string, rollingUpdate?: RollingUpdate, parallel = false) =>
  stepTexts(
    planPass(
      worldOf({
        pods,
        spec: { ...rolling(3, rollingUpdate), ...(parallel && { podManagementPolicy: 'Parallel' }) },
        features: { maxUnavailable: false },
      }),
    ),
  )

test('U4: without maxUnavailable one Pod goes at a time, the highest outdated first', () => {
  expect(oneByOne('aaa')).toEqual(['delete web-2'])
  expect(oneByOne('aaA')).toEqual(['delete web-1'])
  expect(oneByOne('aaU')).toEqual([])
})

test('U6, W5: Parallel without maxUnavailable deletes the top though a lower one is broken, then waits for it', () => {
  expect(oneByOne('aua', undefined, true)).toEqual(['delete web-2'])
  expect(oneByOne('auU', undefined, true)).toEqual([])
  expect(oneByOne('auA', undefined, true)).toEqual(['delete web-1'])
  expect(oneByOne('aUA', undefined, true)).toEqual([])
  expect(oneByOne('aAA', undefined, true)).toEqual(['delete web-0'])
})

test('U5, W6, #60164, #88896, #141095: a broken outdated Pod holds even its own replacement in an ordered set', () => {
  expect(planPass(worldOf({ pods: 'aau', spec: rolling(3, { partition: 0 }) }))).toMatchObject({
    stages: [],
    wait: { rule: 'PodNotReady', pod: { metadata: { name: 'web-2' } } },
  })
})

test('U7, B7: the partition counts slots, not ordinals', () => {
  const spec = { ...rolling(4, { partition: 2 }), ordinals: { start: 5 } }
  const members = worldOf({ pods: '.....aaaa', spec }).slots.flatMap(({ pod }) => pod ?? [])
  expect(stepTexts(planPass(worldOf({ members, spec })))).toEqual(['delete web-8'])
  const world = worldOf({ spec })
  expect([5, 6, 7, 8].map(ordinal => revisionFor(world, ordinal).metadata.name)).toEqual([
    'web-old',
    'web-old',
    'web-new',
    'web-new',
  ])
})

test('U7: a partition of all replicas or more replaces nothing, and says so', () => {
  expect(planPass(worldOf({ pods: 'aaa', spec: rolling(3, { partition: 9 }) }))).toEqual({
    stages: [],
    wait: { rule: 'Partition', outdated: 3, partition: 9 },
  })
})

const revisionAt = (ordinal: number, spec: WorldTraits['spec'], status?: WorldTraits['status']) =>
  revisionFor(worldOf({ spec: spec!, ...(status && { status }) }), ordinal).metadata.name

test('O2, U12, U13, #118310: below the partition a Pod comes back at the current revision, above it at the new one', () => {
  expect(revisionAt(0, rolling(3, { partition: 1 }))).toBe('web-old')
  expect(revisionAt(1, rolling(3, { partition: 1 }))).toBe('web-new')
})

test('U12, W2: without rollingUpdate the count of current replicas decides', () => {
  expect(revisionAt(1, rolling(3), { currentReplicas: 2 })).toBe('web-old')
  expect(revisionAt(2, rolling(3), { currentReplicas: 2 })).toBe('web-new')
})

test('U14: with partition 0 every Pod is made at the new revision', () => {
  expect(revisionAt(0, rolling(3, { partition: 0 }), { currentReplicas: 3 })).toBe('web-new')
})

test('U3, X12: OnDelete deletes nothing and creates at the update revision', () => {
  const spec = { updateStrategy: { type: 'OnDelete' as const } }
  expect(planPass(worldOf({ pods: 'aAa', spec }))).toMatchObject({
    stages: [],
    wait: { rule: 'OnDelete', outdated: [{ metadata: { name: 'web-0' } }, { metadata: { name: 'web-2' } }] },
  })
  expect(revisionAt(0, spec, { currentReplicas: 3 })).toBe('web-new')
})

const recreate = { updateStrategy: { type: 'Recreate' } } as unknown as NonNullable<WorldTraits['spec']>

test('RC1: Recreate deletes everything outdated at once, also beyond the range and whatever its health', () => {
  const world = worldOf({ pods: 'auAta', spec: { ...recreate, replicas: 4 }, features: { recreate: true } })
  expect(stepTexts(planPass(world))).toEqual(['delete web-0', 'delete web-1', 'delete web-4'])
})

test('RC2: Recreate creates nothing until the last outdated Pod is gone', () => {
  const features = { recreate: true }
  expect(planPass(worldOf({ pods: '.t.', spec: recreate, features }))).toMatchObject({
    stages: [],
    wait: { rule: 'Recreating' },
  })
  expect(stepTexts(planPass(worldOf({ pods: '', spec: recreate, features })))).toEqual(['create 0'])
})

test('RC3: Recreate replaces nothing that is not outdated', () => {
  expect(planPass(worldOf({ pods: 'AAA', spec: recreate, features: { recreate: true } }))).toEqual({ stages: [] })
})

test('RC5: with the gate off a stored Recreate set is handled like RollingUpdate', () => {
  expect(stepTexts(planPass(worldOf({ pods: 'aaa', spec: recreate })))).toEqual(['delete web-2'])
})

test('U4: an outdated Pod that has ended is not deleted a second time by the rollout', () => {
  const spec = { ...rolling(4), podManagementPolicy: 'Parallel' as const }
  const world = worldOf({ pods: 'aaaf', spec, features: { recreate: false, maxUnavailable: false } })
  expect(stepTexts(planPass(world))).toEqual(['delete web-3'])
})
