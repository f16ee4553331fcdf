import { expect, test } from 'vitest'
import { ControllerRevision, StatefulSet } from '../../src/api/apps-v1/types.ts'
import { Event, Namespace, PersistentVolumeClaim, Pod } from '../../src/api/core-v1/types.ts'
import type { ApiCall } from '../../src/machinery/api-call.ts'
import { alreadyExists, forbiddenTo } from '../../src/machinery/status.ts'
import { claimTemplate, partition, podTemplate, Stage } from './stage.ts'
import type { Tampering } from './tampering.ts'

/** Lets every call pass but those that `refuse` answers with an error. */
const refusing =
  (refuse: (call: ApiCall) => Error | undefined): Tampering =>
  transport => ({
    request: async (call, signal) => {
      const error = refuse(call)
      if (error) throw error
      return transport.request(call, signal)
    },
    watch: (call, signal) => transport.watch(call, signal),
  })

const revisionsIn = async (stage: Stage): Promise<readonly ControllerRevision[]> =>
  (await stage.client.list(ControllerRevision, { namespace: 'default' })).items

test('S3, S7, E3, E5: a claim that is refused holds its Pod back; both are told, and tried again', async () => {
  let isRefusing = true
  const claims = { group: '', resource: 'persistentvolumeclaims' }
  const tampering = refusing(({ verb, resource }) =>
    isRefusing && verb === 'create' && resource === claims.resource
      ? forbiddenTo(claims, 'data-web-0', 'no')
      : undefined,
  )
  await using stage = await Stage.start({ tampering })
  await stage.create({ replicas: 1, volumeClaimTemplates: [claimTemplate()] })
  expect(await stage.podNames()).toEqual([])
  const why = 'persistentvolumeclaims "data-web-0" is forbidden: no'
  expect(await stage.events()).toEqual(
    expect.arrayContaining([
      `FailedCreate create Claim data-web-0 for Pod web-0 in StatefulSet web failed error: ${why}`,
      `FailedCreate create Pod web-0 in StatefulSet web failed error: failed to create PVC data-web-0: ${why}`,
    ]),
  )
  isRefusing = false
  await stage.clock.advance(60_000)
  expect(await stage.podNames()).toEqual(['web-0'])
})

test('S7, E7: a claim that is there already although the cache did not know is not told of as a claim', async () => {
  let left = 1
  const claims = { group: '', resource: 'persistentvolumeclaims' }
  const tampering = refusing(({ verb, resource }) =>
    verb === 'create' && resource === claims.resource && left-- > 0 ? alreadyExists(claims, 'data-web-0') : undefined,
  )
  await using stage = await Stage.start({ tampering })
  await stage.create({ replicas: 1, volumeClaimTemplates: [claimTemplate()] })
  expect((await stage.events()).filter(event => event.includes('create Claim'))).toEqual([
    'SuccessfulCreate create Claim data-web-0 Pod web-0 in StatefulSet web success',
  ])
})

test('S4: a claim that is there is used, whoever made it and whatever it looks like', async () => {
  await using stage = await Stage.start()
  const { spec } = claimTemplate()
  const resources = { requests: { storage: '9Gi' } }
  await stage.client.create(PersistentVolumeClaim, {
    metadata: { name: 'data-web-0', namespace: 'default' },
    spec: { ...spec, accessModes: ['ReadWriteMany'], resources },
  })
  await stage.create({ replicas: 1, volumeClaimTemplates: [claimTemplate()] })
  expect(await stage.claimNames()).toEqual(['data-web-0'])
  expect((await stage.claim('data-web-0')).spec.resources).toEqual(resources)
})

test('S18, D3: an orphaning delete keeps every claim', async () => {
  await using stage = await Stage.start()
  const policy = { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' } }
  await stage.create({ replicas: 2, volumeClaimTemplates: [claimTemplate()], ...policy })
  await stage.deleteSet('Orphan')
  await stage.clock.advance(60_000)
  expect(await stage.claimNames()).toEqual(['data-web-0', 'data-web-1'])
  expect(await stage.podNames()).toEqual(['web-0', 'web-1'])
})

test('L3, L9: a Pod that somebody made under the right name is adopted', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1 })
  const { labels } = (await stage.pod('web-0')).metadata
  const name = 'web-1'
  const own = { ...labels, 'statefulset.kubernetes.io/pod-name': name, 'apps.kubernetes.io/pod-index': '1' }
  await stage.client.create(Pod, {
    metadata: { name, namespace: 'default', labels: own },
    spec: { ...podTemplate('old').spec, hostname: name, subdomain: 'nginx' },
  })
  await stage.rest()
  expect(await stage.podNames()).toEqual(['web-0']) // Adopted, and then out of range.
  expect(await stage.events()).toContain('SuccessfulDelete delete Pod web-1 in StatefulSet web successful')
})

test('L4, L9: a Pod that another object controls is left alone, and keeps its name', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1 })
  const { metadata } = await stage.client.get(Namespace, { name: 'default' })
  const stranger = { apiVersion: 'v1', kind: 'Namespace', name: 'default', uid: metadata.uid, controller: true }
  await stage.patchPod('web-0', { metadata: { ownerReferences: [stranger] } })
  await stage.clock.advance(60_000)
  expect((await stage.pod('web-0')).metadata.ownerReferences).toEqual([stranger])
  expect((await stage.set()).status.replicas).toBe(0)
})

test('L6, B21: a Pod that was created is not created again while the cache lags', async () => {
  let isLate = true
  const waiting: (() => void)[] = []
  const tampering: Tampering = transport => ({
    request: (call, signal) => transport.request(call, signal),
    async *watch(call, signal) {
      for await (const event of transport.watch(call, signal)) {
        if (isLate && call.resource === 'pods') await new Promise<void>(resolve => waiting.push(resolve))
        yield event
      }
    },
  })
  await using stage = await Stage.start({ tampering })
  await stage.create({})
  await stage.setImage('new')
  await stage.clock.advance(60_000)
  expect(stage.podHistory).toEqual(['+web-0'])
  expect((await stage.events()).filter(event => event.includes('Pod'))).toHaveLength(1)
  isLate = false
  for (const resume of waiting) resume()
  await stage.clock.advance(60_000)
  expect(await stage.images()).toEqual(['web-0=new', 'web-1=new', 'web-2=new'])
})

test('L7, T10, Y10: a status write that fails is made up for', async () => {
  let left = 5
  const sets = { group: 'apps', resource: 'statefulsets' }
  const tampering = refusing(({ subresource }) =>
    subresource === 'status' && left-- > 0 ? forbiddenTo(sets, 'web', 'not now') : undefined,
  )
  await using stage = await Stage.start({ tampering })
  await stage.create({})
  await stage.clock.advance(60_000)
  expect((await stage.set()).status).toMatchObject({ replicas: 3, readyReplicas: 3, observedGeneration: 1 })
})

test('T6: a Pod whose deletion was refused still counts as current', async () => {
  let isRefusing = true
  const pods = { group: '', resource: 'pods' }
  const tampering = refusing(({ verb, resource }) =>
    isRefusing && verb === 'delete' && resource === 'pods' ? forbiddenTo(pods, 'web-2', 'no') : undefined,
  )
  await using stage = await Stage.start({ tampering })
  await stage.create({})
  await stage.setImage('new')
  expect((await stage.set()).status).toMatchObject({ replicas: 3, currentReplicas: 3 })
  expect(await stage.progressing()).toMatchObject({ status: 'False', reason: 'PodRefused' })
  isRefusing = false
  await stage.clock.advance(60_000)
  expect(await stage.images()).toEqual(['web-0=new', 'web-1=new', 'web-2=new'])
})

test('O22: scaling in the middle of a rollout takes effect on the next pass, at the new revision', async () => {
  await using stage = await Stage.start()
  await stage.create({})
  stage.kubelet.let(({ spec }) => (spec.containers[0]!.image === 'new' ? 'pending' : 'ready'))
  await stage.setImage('new')
  await stage.change({ replicas: 4 })
  stage.kubelet.let(() => 'ready')
  await stage.rest()
  expect(await stage.images()).toEqual(['web-0=new', 'web-1=new', 'web-2=new', 'web-3=new'])
})

test('U1: only the template makes a revision', async () => {
  await using stage = await Stage.start()
  await stage.create({})
  await stage.change({ replicas: 2, minReadySeconds: 1, ...partition(1) })
  await stage.client.patch(
    StatefulSet,
    { namespace: 'default', name: 'web' },
    { type: 'merge', body: { metadata: { labels: { a: 'b' } } } },
  )
  await stage.rest()
  expect(await revisionsIn(stage)).toHaveLength(1)
  await stage.setImage('new')
  expect(await revisionsIn(stage)).toHaveLength(2)
})

test('U15: changed again in the middle, a rollout goes to the newest; taken back, only what changed is replaced', async () => {
  await using stage = await Stage.start()
  await stage.create({})
  const { currentRevision } = (await stage.set()).status
  stage.kubelet.let(({ spec, metadata }) =>
    metadata.name === 'web-1' && spec.containers[0]!.image === 'b' ? 'pending' : 'ready',
  )
  await stage.setImage('b')
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=b', 'web-2=b'])
  expect((await stage.set()).status.currentRevision).toBe(currentRevision)
  await stage.setImage('old')
  await stage.deletePod('web-1')
  const untouched = (await stage.pod('web-0')).metadata.uid
  await stage.rest()
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=old', 'web-2=old'])
  expect((await stage.pod('web-0')).metadata.uid).toBe(untouched)
  expect((await stage.set()).status).toMatchObject({ currentRevision, updateRevision: currentRevision })
})

test('U17: turning OnDelete into RollingUpdate starts the rollout, and back again freezes it', async () => {
  await using stage = await Stage.start()
  await stage.create({ updateStrategy: { type: 'OnDelete' } })
  await stage.setImage('new')
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=old', 'web-2=old'])
  stage.kubelet.let(({ spec }) => (spec.containers[0]!.image === 'new' ? 'pending' : 'ready'))
  await stage.change({ updateStrategy: { type: 'RollingUpdate' } })
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=old', 'web-2=new'])
  await stage.change({ updateStrategy: { type: 'OnDelete' } })
  stage.kubelet.let(() => 'ready')
  await stage.rest()
  expect(await stage.images()).toEqual(['web-0=old', 'web-1=old', 'web-2=new'])
})

test('H8: without its object, the current revision is the update revision', async () => {
  await using stage = await Stage.start()
  await stage.create(partition(3))
  const { currentRevision } = (await stage.set()).status
  await stage.setImage('new')
  await stage.client.delete(ControllerRevision, { namespace: 'default', name: currentRevision! })
  await stage.rest()
  await stage.deletePod('web-2')
  const { status } = await stage.set()
  expect(status.currentRevision).toBe(status.updateRevision)
  expect((await stage.pod('web-2')).spec.containers[0]!.image).toBe('new')
})

test('H6, B12, #135017: a revision that an older API version wrote does not roll the Pods', async () => {
  await using stage = await Stage.start()
  await stage.create({})
  const [revision] = await revisionsIn(stage)
  const uids = (await stage.pods()).map(({ metadata }) => metadata.uid)
  const { spec } = revision!.data as { spec: { template: { metadata: object } } }
  const older = {
    spec: { template: { ...spec.template, metadata: { creationTimestamp: null, ...spec.template.metadata } } },
  }
  await stage.deleteSet('Orphan')
  await stage.client.delete(ControllerRevision, { namespace: 'default', name: revision!.metadata.name })
  const { name, namespace, labels } = revision!.metadata
  await stage.client.create(ControllerRevision, {
    metadata: { name, namespace, labels: labels! },
    data: older,
    revision: 1,
  })
  await stage.create({})
  expect((await stage.pods()).map(({ metadata }) => metadata.uid)).toEqual(uids)
  expect(await revisionsIn(stage)).toHaveLength(1)
})

test('E1: events name the controller as their source and the set as their object', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1 })
  const { items } = await stage.client.list(Event, { namespace: 'default' })
  const { uid } = (await stage.set()).metadata
  expect(items[0]).toMatchObject({
    source: { component: 'statefulset-controller' },
    reportingComponent: 'statefulset-controller',
    involvedObject: { kind: 'StatefulSet', apiVersion: 'apps/v1', name: 'web', uid },
  })
})

test('E8, O18: a Pod that is gone already when it is deleted counts as deleted', async () => {
  let deletions = 0
  const tampering: Tampering = transport => ({
    async request(call, signal) {
      if (call.verb === 'delete' && call.resource === 'pods' && deletions++ === 0) {
        const now = { ...call, body: { gracePeriodSeconds: 0 } }
        await transport.request(now, signal)
      }
      return transport.request(call, signal)
    },
    watch: (call, signal) => transport.watch(call, signal),
  })
  await using stage = await Stage.start({ tampering })
  await stage.create({ replicas: 1 })
  await stage.change({ replicas: 0 })
  expect(await stage.podNames()).toEqual([])
  expect(await stage.events()).toContain('SuccessfulDelete delete Pod web-0 in StatefulSet web successful')
})

test('D1: a set that is deleted takes its Pods and revisions along, and nothing comes back', async () => {
  await using stage = await Stage.start()
  await stage.create({})
  await stage.deleteSet()
  await stage.clock.advance(60_000)
  expect(await stage.podNames()).toEqual([])
  expect(await revisionsIn(stage)).toEqual([])
  expect(stage.podHistory.filter(line => line.startsWith('+'))).toHaveLength(3)
})

test('D5: scaled to zero before it is deleted, a set is torn down in order', async () => {
  await using stage = await Stage.start()
  await stage.create({})
  stage.podHistory.length = 0
  await stage.change({ replicas: 0 })
  await stage.deleteSet()
  expect(stage.podHistory).toEqual(['~web-2', '-web-2', '~web-1', '-web-1', '~web-0', '-web-0'])
})

test('X15: the set follows its scale subresource', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1 })
  const scale = {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 2 },
  }
  await stage.client.transport.request({
    verb: 'update',
    group: 'apps',
    version: 'v1',
    resource: 'statefulsets',
    subresource: 'scale',
    namespace: 'default',
    name: 'web',
    body: scale,
  })
  await stage.rest()
  expect(await stage.podNames()).toEqual(['web-0', 'web-1'])
  const patch = { type: 'strategic', subresource: 'scale', body: { ...scale, spec: { replicas: 4 } } } as const
  await stage.client.patch(StatefulSet, { namespace: 'default', name: 'web' }, patch)
  await stage.rest()
  expect(await stage.podNames()).toEqual(['web-0', 'web-1', 'web-2', 'web-3'])
})

test('X16: a collection of sets is listed, patched and deleted by label', async () => {
  await using stage = await Stage.start()
  await stage.create({ replicas: 1 })
  const container = { name: 'second', image: 'pause' }
  const body = {
    metadata: { labels: { 'test-ss': 'patched' } },
    spec: { replicas: 2, template: { spec: { containers: [container], terminationGracePeriodSeconds: 1 } } },
  }
  await stage.client.patch(StatefulSet, { namespace: 'default', name: 'web' }, { type: 'strategic', body })
  await stage.rest()
  const { items } = await stage.client.list(StatefulSet, { labelSelector: 'test-ss=patched' })
  expect(items.map(({ spec }) => [spec.replicas, spec.template.spec!.containers[0]!.image])).toEqual([[2, 'pause']])
  await stage.clock.advance(60_000)
  expect((await stage.set()).status.readyReplicas).toBe(2)
  const all = { namespace: 'default', labelSelector: 'test-ss=patched', gracePeriodSeconds: 1 }
  await stage.client.deleteCollection(StatefulSet, all)
  expect((await stage.client.list(StatefulSet, { namespace: 'default' })).items).toEqual([])
})
