import { expect, test } from 'vitest'
import { claimOf, volumeOf } from '../../scheduler/fixtures.ts'
import { boundVolume } from './plan-claim.ts'
import { planVolume } from './plan-volume.ts'

const claim = claimOf('data', { volumeName: 'pv' })
const bound = boundVolume(volumeOf('pv', { phase: 'Bound' }), claim)

test('a volume without a claim, or reserved by name only, is Available', () => {
  const fresh = volumeOf('pv', { phase: 'Pending' })
  expect(planVolume(fresh, undefined)).toEqual({ kind: 'setPhase', phase: 'Available' })
  const reserved = volumeOf('pv', { phase: 'Pending', spec: { claimRef: { namespace: 'default', name: 'data' } } })
  expect(planVolume(reserved, undefined)).toEqual({ kind: 'setPhase', phase: 'Available' })
  expect(planVolume(volumeOf('pv'), undefined)).toEqual({ kind: 'nothing' })
})

test('both sides agreed makes it Bound', () => {
  expect(planVolume({ ...bound, status: { phase: 'Available' } }, claim)).toEqual({ kind: 'setPhase', phase: 'Bound' })
  expect(planVolume(bound, claim)).toEqual({ kind: 'nothing' })
})

test('a claim that is gone, or another one of its name, releases it', () => {
  const namesake = { ...claim, metadata: { ...claim.metadata, uid: 'another' } }
  expect(planVolume(bound, undefined)).toEqual({ kind: 'setPhase', phase: 'Released' })
  expect(planVolume(bound, namesake)).toEqual({ kind: 'setPhase', phase: 'Released' })
  expect(planVolume({ ...bound, status: { phase: 'Released' } }, undefined)).toEqual({ kind: 'nothing' })
})

test('a volume whose claim chose another one is given back: whole if we had given it, else but for the name', () => {
  const elsewhere = claimOf('data', { volumeName: 'other' })
  const ours = planVolume(bound, elsewhere)
  expect(ours.kind === 'unbind' && ours.spec.claimRef).toBeUndefined()
  const claimRef = { namespace: 'default', name: 'data' }
  const byUser = boundVolume(volumeOf('pv', { phase: 'Bound', spec: { claimRef } }), claim)
  const step = planVolume(byUser, elsewhere)
  expect(step.kind === 'unbind' && step.spec.claimRef).toMatchObject(claimRef)
  expect(step.kind === 'unbind' && step.spec.claimRef?.uid).toBeUndefined()
})

test('one that nobody can delete or scrub is Failed and says so; one that was provisioned is its provisioner’s', () => {
  const released = { ...bound, status: { phase: 'Released' as const } }
  const withPolicy = (persistentVolumeReclaimPolicy: 'Delete' | 'Recycle', annotations = {}) => ({
    ...released,
    metadata: { ...released.metadata, annotations },
    spec: { ...released.spec, persistentVolumeReclaimPolicy },
  })
  expect(planVolume(withPolicy('Delete'), undefined)).toMatchObject({
    phase: 'Failed',
    note: {
      reason: 'VolumeFailedDelete',
      message: 'host_path deleter only supports /tmp/.+ but received provided /data/pv',
    },
  })
  expect(planVolume(withPolicy('Recycle'), undefined)).toMatchObject({ note: { reason: 'VolumeFailedRecycle' } })
  const provisioned = withPolicy('Delete', { 'pv.kubernetes.io/provisioned-by': 'example.com/csi' })
  expect(planVolume(provisioned, undefined)).toEqual({ kind: 'nothing' })
})
