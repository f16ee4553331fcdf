import { expect, test } from 'vitest'
import { claimOf, classOf, podOf, volumeOf } from '../../scheduler/fixtures.ts'
import { boundClaim, boundVolume, type ClaimStep, type ClaimWorld, planClaim } from './plan-claim.ts'

const nothing: ClaimWorld = {
  namedVolume: undefined,
  candidates: [],
  isTaken: () => false,
  storageClass: undefined,
  defaultClass: undefined,
  pods: [],
  hasNode: () => true,
}
const noteOf = (step: ClaimStep): string =>
  'note' in step && step.note ? `${step.note.reason} ${step.note.message}` : ''
const volumeNameOf = (step: ClaimStep): string | undefined =>
  step.kind === 'bind' ? step.volume.metadata.name : undefined

test('the smallest volume that is large enough is taken', () => {
  const candidates = [volumeOf('huge', { storage: '100Gi' }), volumeOf('fit', { storage: '5Gi' }), volumeOf('small')]
  const claim = claimOf('data', { resources: { requests: { storage: '2Gi' } } })
  expect(volumeNameOf(planClaim(claim, { ...nothing, candidates }))).toBe('fit')
})

test.each([
  ['another class', volumeOf('pv', { spec: { storageClassName: 'fast' } })],
  ['too few access modes', volumeOf('pv', { spec: { accessModes: ['ReadOnlyMany'] } })],
  ['too little room', volumeOf('pv', { storage: '1023Mi' })],
  ['block instead of files', volumeOf('pv', { spec: { volumeMode: 'Block' } })],
  ['released from another claim', volumeOf('pv', { phase: 'Released' })],
  ['reserved for another claim', volumeOf('pv', { spec: { claimRef: { namespace: 'default', name: 'other' } } })],
])('a volume with %s is not taken', (_why, volume) => {
  const step = planClaim(claimOf('data'), { ...nothing, candidates: [volume] })
  expect(noteOf(step)).toBe('FailedBinding no persistent volumes available for this claim and no storage class is set')
})

test('a selector narrows the choice', () => {
  const candidates = [volumeOf('slow', { labels: { disk: 'hdd' } }), volumeOf('quick', { labels: { disk: 'ssd' } })]
  const claim = claimOf('data', { selector: { matchLabels: { disk: 'ssd' } } })
  expect(volumeNameOf(planClaim(claim, { ...nothing, candidates }))).toBe('quick')
})

test('a volume reserved for the claim comes before a better one, and needs no matching class', () => {
  const claimRef = { namespace: 'default', name: 'data' }
  const reserved = volumeOf('reserved', { storage: '50Gi', spec: { claimRef, storageClassName: 'other' } })
  const step = planClaim(claimOf('data'), { ...nothing, candidates: [volumeOf('free'), reserved] })
  expect(volumeNameOf(step)).toBe('reserved')
})

test('a claim that waits for its first consumer says so, and names the Pod once there is one', () => {
  const claim = claimOf('data', { storageClassName: 'local' })
  const world = { ...nothing, storageClass: classOf('local'), candidates: [volumeOf('free')] }
  expect(noteOf(planClaim(claim, world))).toBe(
    'WaitForFirstConsumer waiting for first consumer to be created before binding',
  )
  expect(noteOf(planClaim(claim, { ...world, pods: [podOf('web-0')] }))).toBe(
    'WaitForPodScheduled waiting for pod web-0 to be scheduled',
  )
})

test('once the scheduler has picked a machine, the provisioner is asked', () => {
  const claim = claimOf('data', { storageClassName: 'csi' }, { 'volume.kubernetes.io/selected-node': 'node1' })
  const storageClass = classOf('csi', { provisioner: 'example.com/csi' })
  const step = planClaim(claim, { ...nothing, storageClass })
  expect(step).toMatchObject({ kind: 'askProvisioner', provisioner: 'example.com/csi' })
  expect(noteOf(step)).toBe(
    "ExternalProvisioning Waiting for a volume to be created either by the external provisioner 'example.com/csi' or " +
      'manually by the system administrator. If volume creation is delayed, please verify that the provisioner is ' +
      'running and correctly registered.',
  )
})

test('a machine that is gone is no longer selected', () => {
  const claim = claimOf('data', { storageClassName: 'csi' }, { 'volume.kubernetes.io/selected-node': 'gone' })
  const storageClass = classOf('csi', { provisioner: 'example.com/csi' })
  expect(planClaim(claim, { ...nothing, storageClass, hasNode: () => false }).kind).toBe('forgetSelectedNode')
})

test('a claim older than the default class gets it, unless a volume without class serves', () => {
  const world = { ...nothing, defaultClass: classOf('standard') }
  expect(planClaim(claimOf('data'), world)).toEqual({ kind: 'takeDefaultClass', className: 'standard' })
  expect(volumeNameOf(planClaim(claimOf('data'), { ...world, candidates: [volumeOf('free')] }))).toBe('free')
  expect(planClaim(claimOf('data', { storageClassName: '' }), world).kind).toBe('wait')
})

test('a class that is not there is named', () => {
  expect(noteOf(planClaim(claimOf('data', { storageClassName: 'fast' }), nothing))).toBe(
    'ProvisioningFailed storageclass.storage.k8s.io "fast" not found',
  )
})

test('a volume named by the user must fit and be free', () => {
  const claim = claimOf('data', { volumeName: 'pv', resources: { requests: { storage: '2Gi' } } })
  expect(planClaim(claim, nothing)).toEqual({ kind: 'wait' })
  expect(noteOf(planClaim(claim, { ...nothing, namedVolume: volumeOf('pv') }))).toBe(
    'VolumeMismatch Cannot bind to requested volume "pv": requested PV is too small',
  )
  const taken = volumeOf('pv', { spec: { claimRef: { namespace: 'default', name: 'other', uid: 'u' } } })
  expect(noteOf(planClaim(claim, { ...nothing, namedVolume: taken }))).toBe(
    'FailedBinding volume "pv" already bound to a different claim.',
  )
  const fitting = volumeOf('pv', { storage: '2Gi' })
  expect(planClaim(claim, { ...nothing, namedVolume: fitting })).toEqual({ kind: 'bind', volume: fitting })
})

test('a bound claim whose volume is gone, or belongs to another, is lost', () => {
  const volume = volumeOf('pv')
  const claim = boundClaim(claimOf('data'), volume)
  expect(noteOf(planClaim(claim, nothing))).toBe(
    'ClaimLost Bound claim has lost its PersistentVolume. Data on the volume is lost!',
  )
  const stolen = boundVolume(volume, claimOf('other'))
  expect(noteOf(planClaim(claim, { ...nothing, namedVolume: stolen }))).toBe(
    'ClaimMisbound Two claims are bound to the same volume, this one is bound incorrectly',
  )
})

test('each side says whether the system or the user chose the other', () => {
  const [claim, volume] = [claimOf('data'), volumeOf('pv')]
  expect(boundVolume(volume, claim).metadata.annotations).toEqual({ 'pv.kubernetes.io/bound-by-controller': 'yes' })
  expect(boundClaim(claim, volume).metadata.annotations).toEqual({
    'pv.kubernetes.io/bind-completed': 'yes',
    'pv.kubernetes.io/bound-by-controller': 'yes',
  })
  const named = claimOf('data', { volumeName: 'pv' })
  expect(boundClaim(named, volume).metadata.annotations).toEqual({ 'pv.kubernetes.io/bind-completed': 'yes' })
})
