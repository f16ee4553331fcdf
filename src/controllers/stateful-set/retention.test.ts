import { expect, test } from 'vitest'
import type { OwnerReference } from '../../api/meta-v1/types.ts'
import { controllerReferenceTo } from '../../machinery/object.ts'
import { claimOf, member, setOf } from './fixtures.ts'
import { isClaimOfFormerPod, retentionChangeOf } from './retention.ts'

const withPolicy = (whenScaled: string, whenDeleted: string) =>
  setOf({ replicas: 2, persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted } })

const inRange = member(setOf(), 1, 'a')
const condemned = member(setOf(), 4, 'a')
const toSet = controllerReferenceTo(setOf())
const toPod = controllerReferenceTo(condemned)
const configMap: OwnerReference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'cm' }
const otherController: OwnerReference = { ...configMap, controller: true }

const change = (set: ReturnType<typeof setOf>, pod: typeof inRange, ownerReferences: readonly OwnerReference[] = []) =>
  retentionChangeOf(set, pod, claimOf('data-web-1', { ownerReferences }))

test.each([
  ['Retain', 'Retain', [], []],
  ['Retain', 'Delete', [toSet], [toSet]],
  ['Delete', 'Retain', [], [toPod]],
  ['Delete', 'Delete', [toSet], [toPod]],
])('S11, Y6: whenScaled %s, whenDeleted %s', (whenScaled, whenDeleted, wantedInRange, wantedCondemned) => {
  const set = withPolicy(whenScaled, whenDeleted)
  expect(change(set, inRange).ownerReferences ?? []).toEqual(wantedInRange)
  expect(change(set, condemned).ownerReferences ?? []).toEqual(wantedCondemned)
})

test('S12: a claim of a Pod that is in range again loses the reference to it', () => {
  const back = { ...condemned, metadata: { ...condemned.metadata, name: 'web-1' } }
  const reference = controllerReferenceTo(back)
  expect(change(withPolicy('Delete', 'Retain'), back, [reference]).ownerReferences).toEqual([])
})

test('S15a: a claim that refers to a former life of the set or the Pod is left alone', () => {
  const stale = { ...toSet, uid: 'former' }
  expect(change(withPolicy('Retain', 'Delete'), inRange, [stale])).toEqual({ isConflicting: false })
})

test('S15b, E4: another controller keeps our references away', () => {
  const set = withPolicy('Retain', 'Delete')
  expect(change(set, inRange, [otherController])).toEqual({ isConflicting: true })
  expect(change(set, inRange, [otherController, toSet])).toEqual({
    ownerReferences: [otherController],
    isConflicting: true,
  })
})

test('S15c: our reference that lost its controller flag is written anew', () => {
  const edited = { ...toSet, controller: false }
  expect(change(withPolicy('Delete', 'Delete'), inRange, [edited]).ownerReferences).toEqual([toSet])
})

test('S15d, X22f: owners that are no controllers stay in front of ours', () => {
  expect(change(withPolicy('Retain', 'Delete'), inRange, [configMap]).ownerReferences).toEqual([configMap, toSet])
})

test('S16: under Retain and Retain only our own references go', () => {
  const set = withPolicy('Retain', 'Retain')
  expect(change(set, inRange, [otherController])).toEqual({ isConflicting: false })
  expect(change(set, inRange, [otherController, toSet]).ownerReferences).toEqual([otherController])
})

test('a claim that is as it should be is not written', () => {
  expect(change(withPolicy('Retain', 'Delete'), inRange, [toSet])).toEqual({ isConflicting: false })
})

test('S17: a claim that refers to a former Pod of this name holds the new one back, unless claims are retained', () => {
  const former = { apiVersion: 'v1', kind: 'Pod', name: 'web-1', uid: 'former', controller: true }
  const claim = claimOf('data-web-1', { ownerReferences: [former] })
  expect(isClaimOfFormerPod(withPolicy('Delete', 'Retain'), 'web-1', claim)).toBe(true)
  expect(isClaimOfFormerPod(withPolicy('Retain', 'Delete'), 'web-1', claim)).toBe(false)
  expect(isClaimOfFormerPod(withPolicy('Delete', 'Retain'), 'web-0', claim)).toBe(false)
})
