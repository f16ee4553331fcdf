import { expect, test } from 'vitest'
import type { ContainerState, ContainerStatus, PersistentVolumeClaim, Pod } from '../../../api/core-v1/types.ts'
import type { StorageClass, VolumeAttachment } from '../../../api/storage-v1/types.ts'
import { alreadyExists, forbiddenTo, invalidObject } from '../../../machinery/status.ts'
import { metaOf, nodeOf, type PodTraits } from '../../fixtures.ts'
import { claimOf, dataTemplate, member, setOf, type WorldTraits, worldOf } from '../fixtures.ts'
import { planPass } from '../plan-pass.ts'
import { ClaimTerminatingError, type StepFailure } from '../step-failure.ts'
import { explanationOf } from './explain.ts'
import { evidenceOf, type KnownThings, silentNode, volumeOn, warningAbout } from './fixtures.ts'

const explain = (traits: WorldTraits, known: KnownThings = {}) => {
  const world = worldOf(traits)
  const { wait } = planPass(world)
  return explanationOf({ world, ...(wait && { wait }), failures: [] }, evidenceOf(known))
}

/** A set whose highest Pod, at the new revision, is as told. */
function withTop(letter: string, traits: PodTraits, known: KnownThings = {}, spec: WorldTraits['spec'] = {}) {
  const set = setOf(spec)
  const top = member(set, 2, letter, traits)
  return explain({ members: [member(set, 0, 'A'), member(set, 1, 'A'), top], spec }, known)
}

const status = (name: string, state: ContainerState, more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name,
  image: 'nginx',
  imageID: '',
  ready: false,
  restartCount: 0,
  state,
  ...more,
})

const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T00:05:00Z' }]
const broken = (containerStatuses: readonly ContainerStatus[], more: Partial<Pod['status']> = {}): PodTraits => ({
  status: { phase: 'Running', containerStatuses, conditions, ...more },
})
const pulling = broken([
  status('main', {
    waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "nginx": ErrImagePull: not found' },
  }),
])

test('a settled set says that it has arrived', () => {
  expect(explain({ pods: 'AAA' })).toEqual({
    status: 'True',
    reason: 'Complete',
    message: 'All 3 Pods are available at revision web-new.',
  })
})

test('a Pod on its way up is progress and makes no event', () => {
  expect(explain({ pods: 'AP' })).toEqual({
    status: 'True',
    reason: 'PodStarting',
    message:
      'Pod web-1 is starting, since 2026-01-01T00:00:00Z. OrderedReady creates, updates and removes no other Pod until ' +
      'web-1 is available. Ends when the Pod is ready.',
  })
})

test('B1, #60164, #88896, #141095: a broken Pod that holds the rollout is named with the command that releases it', () => {
  const set = setOf()
  const members = [member(set, 0, 'a'), member(set, 1, 'a'), member(set, 2, 'u', pulling)]
  const world = worldOf({ members })
  expect(explain({ members: world.slots.map(({ pod }) => pod!) })).toMatchObject({
    status: 'False',
    reason: 'ImageNotPulled',
    message:
      'Pod web-2 container main cannot pull image "nginx": not found, since 2026-01-01T00:05:00Z. OrderedReady replaces ' +
      'no Pod while one is not available, so web-2 stays at revision web-old although the template has changed since. ' +
      'Released by "kubectl delete pod web-2 -n demo": it comes back at revision web-new.',
  })
})

test('B1: a Pod that is merely not ready holds the rollout too', () => {
  expect(explain({ pods: 'aau' })).toMatchObject({
    status: 'False',
    message: expect.stringContaining('Released by "kubectl delete pod web-2 -n demo"'),
  })
})

test.each([
  ['ErrImagePull', 'failed to pull image "nginx": denied'],
  ['ImagePullBackOff', 'Back-off pulling image "nginx": ErrImagePull: failed to pull image "nginx": denied'],
])('an image that cannot be pulled is told in the same words while the kubelet says %s', (reason, message) => {
  const explanation = withTop('U', broken([status('main', { waiting: { reason, message } })]))
  expect(explanation.message).toMatch(/^Pod web-2 container main cannot pull image "nginx": denied, since/)
})

test('a crash loop tells exit code, reason and last line', () => {
  const terminated = { exitCode: 137, reason: 'OOMKilled', message: 'starting\nout of memory\n' }
  const crashed = status(
    'main',
    { waiting: { reason: 'CrashLoopBackOff' } },
    { lastState: { terminated }, restartCount: 3 },
  )
  expect(withTop('U', broken([crashed]))).toMatchObject({
    status: 'False',
    reason: 'CrashLooping',
    message: expect.stringMatching(
      /^Pod web-2 container main exits with code 137 \(OOMKilled\) again and again, last saying "out of memory", since 2026-01-01T00:05:00Z\./,
    ),
  })
})

test('the text of a crash loop is the same while the container is up again', () => {
  const lastState = { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:50:00Z' } }
  const waiting = status('main', { waiting: { reason: 'CrashLoopBackOff' } }, { lastState, restartCount: 3 })
  const running = { ...waiting, state: { running: { startedAt: '2026-01-01T00:51:00Z' } } }
  expect(withTop('U', broken([waiting]))).toEqual(withTop('U', broken([running])))
})

test('stumbling block 3: an init container that fails is named as such', () => {
  const failed = status('init-mysql', { terminated: { exitCode: 2, reason: 'Error', message: 'no such host' } })
  expect(withTop('P', { status: { phase: 'Pending', initContainerStatuses: [failed], conditions } }).message).toMatch(
    /^Pod web-2 init container init-mysql exits with code 2 again and again, last saying "no such host"/,
  )
})

test('a Pod that is stuck at the newest revision says that a corrected template is not enough', () => {
  expect(withTop('U', pulling).message).toMatch(
    /Ends when it is ready; a corrected template reaches it only after "kubectl delete pod web-2 -n demo"\.$/,
  )
})

test('a container that cannot be created tells what is missing', () => {
  const waiting = { reason: 'CreateContainerConfigError', message: 'configmap "settings" not found' }
  expect(withTop('P', broken([status('main', { waiting })]))).toMatchObject({
    reason: 'ContainerNotCreated',
    message: expect.stringContaining('(CreateContainerConfigError): configmap "settings" not found'),
  })
})

test('a failing probe is told with its answer', () => {
  const pod = member(setOf(), 2, 'U')
  const warning = warningAbout(pod, {
    reason: 'Unhealthy',
    message: 'Readiness probe failed: HTTP probe failed with statuscode: 500',
    fieldPath: 'spec.containers{main}',
  })
  expect(withTop('U', broken([status('main', { running: {} })]), { warnings: [warning] })).toMatchObject({
    status: 'False',
    reason: 'ProbeFailing',
    message: expect.stringContaining(
      'is not ready: Readiness probe failed: HTTP probe failed with statuscode: 500, since',
    ),
  })
})

test.each([
  ['by default for three probes in ten seconds each', {}, 30_000],
  ['never less than ten seconds', { periodSeconds: 1, failureThreshold: 1 }, 10_000],
  ['after its initial delay', { initialDelaySeconds: 60, periodSeconds: 5 }, 75_000],
])('a container that has just started may answer its probe wrongly: %s', (_, readinessProbe, graceMs) => {
  const pod = member(setOf(), 2, 'U')
  const message = 'Readiness probe failed: HTTP probe failed with statuscode: 500'
  const warning = warningAbout(pod, { reason: 'Unhealthy', message })
  const startedAt = '2026-01-01T00:00:00Z'
  const traits = {
    ...broken([status('main', { running: { startedAt } })]),
    spec: { containers: [{ name: 'main', image: 'nginx', readinessProbe }] },
  }
  const after = (ms: number) => withTop('U', traits, { warnings: [warning], now: new Date(Date.parse(startedAt) + ms) })
  expect(after(graceMs - 1)).toMatchObject({ status: 'True', reason: 'PodStarting', recheckAfterMs: 1 })
  expect(after(graceMs - 1)).not.toHaveProperty('cause')
  expect(after(graceMs)).toMatchObject({ status: 'False', reason: 'ProbeFailing' })
})

const unschedulable = (message: string): Partial<Pod['status']> => ({
  phase: 'Pending',
  conditions: [
    {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastTransitionTime: '2026-01-01T00:07:00Z',
    },
  ],
})
const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data-web-2' } }]
const storage = { volumeClaimTemplates: [dataTemplate] }

test('an unschedulable Pod is told in the words of the scheduler', () => {
  expect(withTop('P', { status: unschedulable('0/3 nodes are available: 3 Insufficient cpu.') })).toMatchObject({
    status: 'False',
    reason: 'Unschedulable',
    message: expect.stringMatching(
      /^Pod web-2 cannot be scheduled: 0\/3 nodes are available: 3 Insufficient cpu\., since 2026-01-01T00:07:00Z\./,
    ),
  })
})

const pendingClaim = (storageClassName?: string): PersistentVolumeClaim => ({
  ...claimOf('data-web-2', {}, 'Pending'),
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    ...(storageClassName !== undefined && { storageClassName }),
  },
})

const storageClass = (name: string, provisioner: string): StorageClass => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: metaOf(name),
  provisioner,
})

test.each([
  [
    undefined,
    [],
    'claim data-web-2 (no class named) is not bound: it names no class and the cluster has no default StorageClass',
  ],
  [
    '',
    [],
    'claim data-web-2 (class "") is not bound: there is no free PersistentVolume without class, ReadWriteOnce of at least 1Gi',
  ],
  [
    'fast',
    [],
    'claim data-web-2 (class fast) is not bound: there is no StorageClass fast and no free PersistentVolume of it, ReadWriteOnce of at least 1Gi',
  ],
  [
    'hand',
    [storageClass('hand', 'kubernetes.io/no-provisioner')],
    'class hand makes no volumes by itself and has no free PersistentVolume',
  ],
  ['slow', [storageClass('slow', 'example.com/p')], 'provisioner example.com/p has not made its volume yet'],
])('stumbling block 1, #19942: a claim of class %s that is not bound tells what is missing', (name, classes, text) => {
  const traits = { spec: { volumes }, status: unschedulable('pod has unbound immediate PersistentVolumeClaims') }
  const explanation = withTop('P', traits, { claims: [pendingClaim(name)], classes }, storage)
  expect(explanation).toMatchObject({ status: 'False', reason: 'ClaimNotBound' })
  expect(explanation.message).toContain(text)
})

test('stumbling block 10, #49906: a volume that is elsewhere is named with its machine and where the Pod may go', () => {
  const claim = { ...claimOf('data-web-2'), spec: { volumeName: 'pv-1' } }
  const known = { claims: [claim], volumes: [volumeOn('pv-1', 'n1')], nodes: [silentNode('n1')] }
  const traits = {
    spec: { volumes, nodeSelector: { zone: 'b' } },
    status: unschedulable('0/3 nodes are available: 2 node(s) had volume node affinity conflict.'),
  }
  expect(withTop('P', traits, known, storage).message).toContain(
    'claim data-web-2 has its volume pv-1 only on kubernetes.io/hostname n1 (not answering); the Pod may only go to zone=b',
  )
})

test('B14, #74374: a Pod that waits for a claim on its way out says so', () => {
  const claim = claimOf('data-web-2', {
    deletionTimestamp: '2026-01-01T00:40:00Z',
    finalizers: ['kubernetes.io/pvc-protection'],
  })
  const explanation = withTop(
    'P',
    { spec: { volumes }, status: { phase: 'Pending', conditions: [] } },
    { claims: [claim] },
    storage,
  )
  expect(explanation).toMatchObject({
    status: 'False',
    reason: 'ClaimTerminating',
    message: expect.stringContaining(
      'claim data-web-2 is being deleted (held by kubernetes.io/pvc-protection), since 2026-01-01T00:40:00Z',
    ),
  })
})

test('N8, stumbling block 9, #53059: a volume that another machine holds is told with its holder', () => {
  const claim = { ...claimOf('data-web-2'), spec: { volumeName: 'pv-1' } }
  const attachment = {
    metadata: metaOf('a'),
    spec: { nodeName: 'n1', attacher: 'x', source: { persistentVolumeName: 'pv-1' } },
  }
  const pod = member(setOf(storage), 2, 'P')
  const warning = warningAbout(pod, { reason: 'FailedAttachVolume', message: 'Multi-Attach error for volume "pv-1"' })
  const known = {
    claims: [claim],
    attachments: [attachment as unknown as VolumeAttachment],
    nodes: [silentNode('n1'), nodeOf('n2')],
    warnings: [warning],
  }
  expect(withTop('P', { spec: { volumes, nodeName: 'n2' } }, known, storage)).toMatchObject({
    status: 'False',
    reason: 'VolumeNotAttached',
    message: expect.stringContaining(
      'cannot get volume pv-1 of claim data-web-2: node n1 still holds it, and node n1 has not answered since 2026-01-01T00:10:00Z',
    ),
  })
})

test('B16, #54368, stumbling block 8: a Pod on a silent machine is told with the machine, the time and the ways out', () => {
  const explanation = withTop('T', { spec: { nodeName: 'n1' } }, { nodes: [silentNode('n1')] })
  expect(explanation).toMatchObject({ status: 'False', reason: 'NodeNotAnswering' })
  expect(explanation.message).toBe(
    'Pod web-2 is being deleted, but node n1 has not answered since 2026-01-01T00:10:00Z, so its containers may still ' +
      'run there and no second web-2 may start. Its name is taken until it is gone; then it ' +
      'is made again at revision web-new. Ends when n1 answers; or, once it is known to be off, with "kubectl delete node ' +
      'n1" (or its taint node.kubernetes.io/out-of-service=nodeshutdown:NoExecute) or "kubectl delete pod web-2 -n demo ' +
      '--grace-period=0 --force".',
  )
})

test('a Pod that is deleted in the ordinary way is progress', () => {
  expect(withTop('T', { spec: { nodeName: 'n1' } }, { nodes: [nodeOf('n1')] })).toMatchObject({
    status: 'True',
    reason: 'PodTerminating',
  })
})

test('B5, #118310: a Pod that failed below the partition says at which revision it comes back', () => {
  const spec = { updateStrategy: { type: 'RollingUpdate' as const, rollingUpdate: { partition: 1 } } }
  const failed = member(setOf(spec), 0, 'f', {
    status: { reason: 'Evicted', message: 'low on memory' } as Pod['status'],
  })
  const pod = { ...failed, status: { ...failed.status, phase: 'Failed' as const } }
  expect(explain({ members: [pod], spec })).toMatchObject({
    status: 'True',
    message: expect.stringMatching(
      /has failed \(Evicted: low on memory\) and is replaced\. .*made again at revision web-old, since its ordinal lies below the partition/,
    ),
  })
})

test.each([
  ['Parallel', /\. Parallel: no other Pod waits for it\. .* of at most 0\.$/],
  ['OrderedReady', /until web-0 is available\. .* of at most 0, and after "kubectl delete pod web-0 -n demo"\.$/],
] as const)(
  'U13: a Pod that is stuck below the partition says that only a lower one brings it the new template (%s)',
  (podManagementPolicy, rest) => {
    const updateStrategy = { type: 'RollingUpdate' as const, rollingUpdate: { partition: 4 } }
    const spec = { replicas: 1, podManagementPolicy, updateStrategy }
    const { message } = explain({ members: [member(setOf(spec), 0, 'u', pulling)], spec })
    expect(message).toMatch(
      /it lies below partition 4 and keeps revision web-old: web-new reaches it only with a partition/,
    )
    expect(message).toMatch(rest)
  },
)

test('B9, #121534: an empty set says that the partition has nothing to hold back', () => {
  const spec = { replicas: 0, updateStrategy: { type: 'RollingUpdate' as const, rollingUpdate: { partition: 2 } } }
  expect(explain({ pods: '', spec })).toMatchObject({
    status: 'True',
    message:
      'No Pods are asked for. The next ones are made at revision web-new, whatever the partition: with no Pod left it has nothing to hold back.',
  })
})

test('stumbling block 7, #72212: a rollout that stops at its partition says so', () => {
  const spec = { updateStrategy: { type: 'RollingUpdate' as const, rollingUpdate: { partition: 2 } } }
  expect(explain({ pods: 'aaA', spec })).toMatchObject({
    status: 'True',
    reason: 'PartitionReached',
    message:
      'partition 2: 1 of 3 Pods are at revision web-new, the 2 below the partition keep theirs. Goes on when the partition is lowered.',
  })
})

test('stumbling block 11, #57865: scaling down past a crashing Pod names the rule and the way out', () => {
  expect(explain({ pods: 'UUU', spec: { replicas: 0 } })).toMatchObject({
    status: 'False',
    message: expect.stringMatching(
      /^Pod web-2 .* OrderedReady removes the highest Pod only while it is available .* "kubectl delete pod web-2 -n demo", which is not made again/,
    ),
  })
  expect(explain({ pods: 'UAA', spec: { replicas: 1 } }).message).toMatch(
    /OrderedReady removes no Pod on the way to 1 replicas while web-0 is not available.*"kubectl delete pod web-2 web-1 -n demo", which are not made again/,
  )
})

test('B1, #57865: a broken Pod that holds a rollout and a smaller set is itself the way out, before those that are to go', () => {
  const { message } = explain({ pods: 'uaa', spec: { replicas: 1 } })
  expect(message).toMatch(
    /\. Released by "kubectl delete pod web-0 -n demo": it comes back at revision web-new; or with "kubectl delete pod web-2 web-1 -n demo", which are not made again\.$/,
  )
})

test('U3: OnDelete says whom it waits for', () => {
  expect(explain({ pods: 'aAa', spec: { updateStrategy: { type: 'OnDelete' } } })).toMatchObject({
    status: 'True',
    reason: 'WaitingForDelete',
    message: expect.stringContaining('OnDelete: Pods web-0, web-2 keep their old revision until somebody deletes them'),
  })
})

test('S17: the claim of a former Pod is told with what ends the wait', () => {
  const former = { apiVersion: 'v1', kind: 'Pod', name: 'web-0', uid: 'former', controller: true }
  const claim = claimOf('data-web-0', { ownerReferences: [former] })
  const spec = { ...storage, persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' } }
  expect(explain({ spec, claims: [claim] }, { claims: [claim] })).toMatchObject({
    status: 'False',
    reason: 'ClaimOfFormerPod',
    message: expect.stringMatching(
      /^Pod web-0 is not created, because claim data-web-0 is about to be deleted: .* Ends when the claim is gone/,
    ),
  })
})

test('RC4: Recreate reports that it is under way and that it is done', () => {
  const spec = { updateStrategy: { type: 'Recreate' } } as unknown as NonNullable<WorldTraits['spec']>
  const features = { recreate: true }
  expect(explain({ pods: 'aaa', spec, features })).toMatchObject({ status: 'True', reason: 'RecreateInProgress' })
  expect(explain({ pods: 'AAA', spec, features })).toMatchObject({ status: 'True', reason: 'RecreateComplete' })
})

const pods = { group: '', resource: 'pods' }

function refusedWith(error: unknown, traits: WorldTraits = {}) {
  const world = worldOf(traits)
  const [step] = planPass(world).stages.flat()
  const failures: StepFailure[] = [{ step: step!, error }]
  return explanationOf({ world, failures }, evidenceOf())
}

test('B13, #140858: a Pod that the quota refuses is told in the words of the server', () => {
  const error = forbiddenTo(pods, 'web-0', 'exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2')
  expect(refusedWith(error, { spec: { podManagementPolicy: 'Parallel' } })).toMatchObject({
    status: 'False',
    reason: 'QuotaExceeded',
    message: expect.stringMatching(
      /^Pod web-0 is refused: pods "web-0" is forbidden: exceeded quota: few.*Ends when the quota is raised/,
    ),
  })
})

test('E9: a Pod that admission refuses is told in the words of the server', () => {
  expect(refusedWith(forbiddenTo(pods, 'web-0', 'not on a Sunday'))).toMatchObject({
    status: 'False',
    reason: 'PodRefused',
    message: expect.stringContaining('cannot be created: pods "web-0" is forbidden: not on a Sunday'),
  })
})

test('B2, #64023: a set whose name is too long says how long it may be', () => {
  const world = worldOf({ meta: { name: 'x'.repeat(60) } })
  const long = {
    ...world,
    updateRevision: {
      ...world.updateRevision,
      metadata: { ...world.updateRevision.metadata, name: `${'x'.repeat(60)}-7c44b75699` },
    },
  }
  const [step] = planPass(long).stages.flat()
  const error = invalidObject({ group: '', kind: 'Pod' }, 'x', [])
  expect(explanationOf({ world: long, failures: [{ step: step!, error }] }, evidenceOf())).toMatchObject({
    status: 'False',
    reason: 'NameTooLong',
    message: expect.stringMatching(
      /controller-revision-hash would be "x{60}-7c44b75699", 71 characters long.*at most 52 characters/,
    ),
  })
})

test('S5, B14, #89910: a claim on its way out holds its Pod back', () => {
  const claim = claimOf('data-web-0', { deletionTimestamp: '2026-01-01T00:40:00Z' })
  expect(refusedWith(new ClaimTerminatingError(claim))).toMatchObject({
    reason: 'ClaimTerminating',
    message: expect.stringContaining(
      'Pod web-0 is not created, because claim data-web-0 is being deleted, since 2026-01-01T00:40:00Z',
    ),
  })
})

test('what a retry settles is no reason to worry anybody', () => {
  const world = worldOf({ pods: 'A' })
  const { wait } = planPass(world)
  expect(explanationOf({ world, wait: wait!, failures: [] }, evidenceOf())).toMatchObject({ status: 'True' })
})

test('L10: a name that another controller holds is told with its holder, a mere stale cache is not', () => {
  const error = alreadyExists(pods, 'web-0')
  const world = worldOf({})
  const [step] = planPass(world).stages.flat()
  const failures = [{ step: step!, error }]
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'other', uid: 'x', controller: true }
  const holder = member(setOf(), 0, 'A', { meta: { ownerReferences: [owner] } })
  expect(explanationOf({ world, failures }, evidenceOf({ pods: [holder] }))).toMatchObject({
    status: 'False',
    reason: 'NameTaken',
    message: expect.stringContaining('there is a Pod of that name that ReplicaSet other controls'),
  })
  const own = member(setOf(), 0, 'A')
  expect(explanationOf({ world, failures }, evidenceOf({ pods: [own] }))).toMatchObject({ status: 'True' })
})
