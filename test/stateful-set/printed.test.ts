/** What `kubectl get` prints of a set and of all that belongs to it: the server makes the tables (P1–P16). */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/fakes/seeded-random.ts'
import { VirtualClock } from '../../src/fakes/virtual-clock.ts'
import type { JsonObject } from '../../src/machinery/json.ts'
import { RegistryFixture } from '../../src/registry/registry-fixture.ts'

const open = (): RegistryFixture =>
  new RegistryFixture({ clock: new VirtualClock(new Date('2026-06-01T00:00:00Z')), random: seededRandom(1) })
const metadata = { name: 'x', namespace: 'default', creationTimestamp: '2026-05-31T23:59:00Z' }
const deletionTimestamp = '2026-06-01T00:00:00Z'

/** The cells of one object by the names of their columns. */
function shown(server: RegistryFixture, resource: string, object: JsonObject): Readonly<Record<string, unknown>> {
  const { columnDefinitions, rows } = server.table(resource, [{ metadata, ...object }])
  return Object.fromEntries(columnDefinitions.map(({ name }, index) => [name, rows[0]!.cells[index]]))
}

const SETS = 'statefulsets.v1.apps'
const containers = [
  { name: 'a', image: 'one' },
  { name: 'b', image: 'two' },
]

test.each([
  [SETS, 'Name, Ready, Age | Containers, Images'],
  ['pods', 'Name, Ready, Status, Restarts, Age | IP, Node, Nominated Node, Readiness Gates'],
  [
    'persistentvolumeclaims',
    'Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age | VolumeMode',
  ],
  [
    'persistentvolumes',
    'Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, Reason, Age | VolumeMode',
  ],
  ['services', 'Name, Type, Cluster-IP, External-IP, Port(s), Age | Selector'],
  [
    'daemonsets.v1.apps',
    'Name, Desired, Current, Ready, Up-to-date, Available, Node Selector, Age | Containers, Images, Selector',
  ],
  [
    'nodes',
    'Name, Status, Roles, Age, Version | Internal-IP, External-IP, OS-Image, Kernel-Version, Container-Runtime',
  ],
  ['controllerrevisions.v1.apps', 'Name, Controller, Revision, Age | '],
  [
    'storageclasses.v1.storage.k8s.io',
    'Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age | ',
  ],
])('P1, P2: %s have the columns %s', async (resource, columns) => {
  await using server = open()
  const { columnDefinitions } = server.table(resource, [])
  const named = (isWide: boolean): string =>
    columnDefinitions
      .filter(({ priority = 0 }) => priority > 0 === isWide)
      .map(({ name }) => name)
      .join(', ')
  expect(`${named(false)} | ${named(true)}`).toBe(columns)
})

test('P2, P13: Events tell when, what and of whom', async () => {
  await using server = open()
  const { columnDefinitions } = server.table('events', [])
  expect(columnDefinitions.map(({ name, priority = 0 }) => (priority > 0 ? `(${name})` : name))).toEqual([
    'Last Seen',
    'Type',
    'Reason',
    'Object',
    '(Subobject)',
    '(Source)',
    'Message',
    '(First Seen)',
    '(Count)',
    '(Name)',
  ])
  const involvedObject = { kind: 'StatefulSet', name: 'web' }
  const series = { count: 5, lastObservedTime: '2026-05-31T23:59:50Z' }
  const told = { involvedObject, series, eventTime: '2026-05-31T23:50:00Z', message: ' said\n' }
  expect(shown(server, 'events', told)).toMatchObject({
    'Last Seen': '10s',
    'First Seen': '10m',
    Object: 'statefulset/web',
    Count: 5,
    Message: 'said',
  })
  expect(shown(server, 'events', { involvedObject })).toMatchObject({ 'Last Seen': '<unknown>', Count: 1 })
})

test('P4: a set shows its ready Pods of those asked for, and its containers without those that only prepare', async () => {
  await using server = open()
  const template = { spec: { containers, initContainers: [{ name: 'i', image: 'first' }] } }
  const set = { spec: { replicas: 3, template }, status: { replicas: 3, readyReplicas: 2 } }
  expect(shown(server, SETS, set)).toMatchObject({ Ready: '2/3', Containers: 'a,b', Images: 'one,two' })
  expect(shown(server, SETS, { spec: { replicas: 3, template }, status: {} })).toMatchObject({ Ready: '0/3' })
})

test('P5: a Pod counts its containers and sidecars, and those of them that are ready', async () => {
  await using server = open()
  const ready = (name: string, more: JsonObject = {}): JsonObject => ({
    name,
    ready: true,
    state: { running: {} },
    ...more,
  })
  const spec = { containers, initContainers: [{ name: 's', restartPolicy: 'Always' }, { name: 'i' }] }
  const status = {
    phase: 'Running',
    initContainerStatuses: [ready('s', { started: true })],
    containerStatuses: [ready('a'), ready('b', { ready: false })],
  }
  expect(shown(server, 'pods', { spec, status })).toMatchObject({ Ready: '2/3' })
})

test('P8: a Pod shows its address, its machine and its gates, or that it has none', async () => {
  await using server = open()
  const nothing = { IP: '<none>', Node: '<none>', 'Nominated Node': '<none>', 'Readiness Gates': '<none>' }
  expect(shown(server, 'pods', { spec: { containers }, status: {} })).toMatchObject(nothing)
  const spec = { containers, nodeName: 'n1', readinessGates: [{ conditionType: 'open' }, { conditionType: 'shut' }] }
  const status = { podIPs: [{ ip: '10.244.0.9' }], conditions: [{ type: 'open', status: 'True' }] }
  const all = { IP: '10.244.0.9', Node: 'n1', 'Readiness Gates': '1/2' }
  expect(shown(server, 'pods', { spec, status })).toMatchObject(all)
})

test('P9, P10, P3: claims and volumes show each other, and that they are going', async () => {
  await using server = open()
  const status = { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce', 'ReadWriteOncePod'] }
  expect(shown(server, 'persistentvolumeclaims', { spec: {}, status })).toMatchObject({
    Capacity: '',
    'Access Modes': '',
    VolumeMode: '<unset>',
    VolumeAttributesClass: '<unset>',
  })
  const bound = {
    metadata: { ...metadata, deletionTimestamp },
    spec: { volumeName: 'pv', storageClassName: 's' },
    status,
  }
  expect(shown(server, 'persistentvolumeclaims', bound)).toMatchObject({
    Status: 'Terminating',
    Volume: 'pv',
    Capacity: '1Gi',
    'Access Modes': 'RWO,RWOP',
    StorageClass: 's',
  })
  const volume = { spec: { persistentVolumeReclaimPolicy: 'Delete' }, status: { phase: 'Available' } }
  expect(shown(server, 'persistentvolumes', volume)).toMatchObject({ Claim: '', 'Reclaim Policy': 'Delete' })
  const taken = {
    ...volume,
    metadata: { ...metadata, deletionTimestamp },
    spec: { claimRef: { namespace: 'n', name: 'c' } },
  }
  expect(shown(server, 'persistentvolumes', taken)).toMatchObject({ Claim: 'n/c', Status: 'Terminating' })
})

test('P11: a Service shows its addresses and ports, or that it has none', async () => {
  await using server = open()
  const headless = {
    spec: { type: 'ClusterIP', clusterIPs: ['None'], clusterIP: 'None', selector: { a: 'b', c: 'd' } },
  }
  expect(shown(server, 'services', headless)).toMatchObject({
    'Cluster-IP': 'None',
    'External-IP': '<none>',
    'Port(s)': '<none>',
    Selector: 'a=b,c=d',
  })
  const ports = [
    { port: 80, protocol: 'TCP', nodePort: 30080 },
    { port: 53, protocol: 'UDP' },
  ]
  const balanced = { spec: { type: 'LoadBalancer', clusterIPs: ['10.96.0.9'], ports }, status: {} }
  expect(shown(server, 'services', balanced)).toMatchObject({
    'External-IP': '<pending>',
    'Port(s)': '80:30080/TCP,53/UDP',
    Selector: '<none>',
  })
  const elsewhere = { spec: { type: 'ExternalName', externalName: 'example.com' } }
  expect(shown(server, 'services', elsewhere)).toMatchObject({ 'Cluster-IP': '<none>', 'External-IP': 'example.com' })
})

test('P12: a machine shows how it is, what it is for and what runs on it', async () => {
  await using server = open()
  expect(shown(server, 'nodes', { spec: {}, status: {} })).toMatchObject({
    Status: 'Unknown',
    Roles: '<none>',
    'Internal-IP': '<none>',
    'OS-Image': '<unknown>',
  })
  const labels = { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' }
  const node = {
    metadata: { ...metadata, labels },
    spec: { unschedulable: true },
    status: { conditions: [{ type: 'Ready', status: 'Unknown' }] },
  }
  expect(shown(server, 'nodes', node)).toMatchObject({
    Status: 'NotReady,SchedulingDisabled',
    Roles: 'control-plane,worker',
  })
})

test('P14, P15: revisions name their set, DaemonSets their machines', async () => {
  await using server = open()
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'u', controller: true }]
  const revision = { metadata: { ...metadata, ownerReferences }, revision: 3 }
  expect(shown(server, 'controllerrevisions.v1.apps', revision)).toMatchObject({
    Controller: 'statefulset.apps/web',
    Revision: 3,
  })
  expect(shown(server, 'controllerrevisions.v1.apps', { revision: 3 })).toMatchObject({ Controller: '<none>' })
  const template = { spec: { containers, nodeSelector: { disk: 'fast' } } }
  const daemons = { spec: { selector: { matchLabels: { a: 'b' } }, template }, status: {} }
  expect(shown(server, 'daemonsets.v1.apps', daemons)).toMatchObject({ 'Node Selector': 'disk=fast', Selector: 'a=b' })
})
