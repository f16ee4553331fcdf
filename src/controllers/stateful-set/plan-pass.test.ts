import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPodTerminating } from '../../machinery/pod-state.ts'
import { type WorldTraits, worldOf } from './fixtures.ts'
import { ordinalOf } from './identity.ts'
import type { Plan, Step } from './plan.ts'
import { planPass } from './plan-pass.ts'
import { isAvailable, isUnavailable, type World } from './world.ts'

/** Any set in any state: letters as `member` reads them, capitals at the new revision. */
const anyWorld = (policy: 'OrderedReady' | 'Parallel'): fc.Arbitrary<World> =>
  fc
    .record({
      letters: fc.array(fc.constantFrom(...'aupftsAUPFTS.'.split('')), { maxLength: 8 }),
      replicas: fc.nat(6),
      start: fc.nat(3),
      partition: fc.option(fc.nat(5), { nil: undefined }),
      maxUnavailable: fc.integer({ min: 1, max: 4 }),
      type: fc.constantFrom('RollingUpdate', 'OnDelete', 'Recreate'),
      recreate: fc.boolean(),
      gate: fc.boolean(),
    })
    .map(({ letters, replicas, start, partition, maxUnavailable, type, recreate, gate }) => {
      const rollingUpdate = partition === undefined ? {} : { rollingUpdate: { partition, maxUnavailable } }
      const updateStrategy = { type, ...(type === 'RollingUpdate' && rollingUpdate) }
      const spec = { replicas, ordinals: { start }, podManagementPolicy: policy, updateStrategy } as WorldTraits['spec']
      return worldOf({ pods: letters.join(''), spec: spec!, features: { recreate, maxUnavailable: gate } })
    })

const stepsOf = ({ stages }: Plan): readonly Step[] => stages.flat()

const deletedIn = (plan: Plan) => stepsOf(plan).flatMap(step => (step.kind === 'deletePod' ? [step.pod] : []))
const createdIn = (plan: Plan) => stepsOf(plan).flatMap(step => (step.kind === 'createPod' ? [step.ordinal] : []))
const isRecreating = (plan: Plan): boolean => plan.wait?.rule === 'Recreating'

test.each(['OrderedReady', 'Parallel'] as const)(
  'no Pod is deleted twice, deleted while it goes, or made where one is (%s)',
  policy => {
    fc.assert(
      fc.property(anyWorld(policy), world => {
        const plan = planPass(world)
        const deleted = deletedIn(plan)
        expect(new Set(deleted).size).toBe(deleted.length)
        expect(deleted.filter(isPodTerminating)).toEqual([])
        const empty = world.slots.filter(({ pod }) => !pod).map(({ ordinal }) => ordinal)
        expect(empty).toEqual(expect.arrayContaining(createdIn(plan)))
      }),
    )
  },
)

test('O8, O14: an ordered set makes at most one Pod, or scales one away, and only over available ones', () => {
  fc.assert(
    fc.property(anyWorld('OrderedReady'), world => {
      const plan = planPass(world)
      if (isRecreating(plan)) return
      const [created] = createdIn(plan)
      expect(createdIn(plan).length).toBeLessThanOrEqual(1)
      for (const { ordinal, pod } of world.slots) {
        if (created === undefined || ordinal >= created) continue
        expect(pod && isAvailable(world, pod) && !isPodTerminating(pod)).toBe(true)
      }
      const scaled = stepsOf(plan).filter(step => step.kind === 'deletePod' && step.reason === 'ScaledDown')
      expect(scaled.length).toBeLessThanOrEqual(1)
      if (scaled.length > 0) expect(world.slots.every(({ pod }) => !isUnavailable(world, pod))).toBe(true)
    }),
  )
})

test('U7: whatever the state, no rollout touches a Pod below the partition', () => {
  fc.assert(
    fc.property(fc.oneof(anyWorld('OrderedReady'), anyWorld('Parallel')), world => {
      const plan = planPass(world)
      if (isRecreating(plan)) return
      const partition = world.set.spec.updateStrategy?.rollingUpdate?.partition ?? 0
      const first = (world.set.spec.ordinals?.start ?? 0) + partition
      for (const step of stepsOf(plan)) {
        if (step.kind === 'deletePod' && step.reason === 'OutdatedRevision') {
          expect(ordinalOf(step.pod)).toBeGreaterThanOrEqual(first)
        }
      }
    }),
  )
})

test('a pass that does nothing on a set that is not as asked says what it waits for', () => {
  fc.assert(
    fc.property(fc.oneof(anyWorld('OrderedReady'), anyWorld('Parallel')), world => {
      const { stages, wait } = planPass(world)
      const isAsAsked = world.condemned.length === 0 && world.slots.every(({ pod }) => !isUnavailable(world, pod))
      if (stages.length === 0 && !isAsAsked) expect(wait).toBeDefined()
    }),
  )
})
