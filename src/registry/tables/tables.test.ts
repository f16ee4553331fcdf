import { expect, test } from 'vitest'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { RegistryFixture } from '../registry-fixture.ts'
import { ageText } from './age.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const now = new Date('2026-06-01T00:00:00Z')

test.each([
  [0, '0s'],
  [119 * SECOND, '119s'],
  [120 * SECOND, '2m'],
  [125 * SECOND, '2m5s'],
  [10 * MINUTE, '10m'],
  [179 * MINUTE, '179m'],
  [3 * HOUR, '3h'],
  [3 * HOUR + MINUTE, '3h1m'],
  [8 * HOUR, '8h'],
  [47 * HOUR, '47h'],
  [49 * HOUR, '2d1h'],
  [8 * DAY, '8d'],
  [729 * DAY, '729d'],
  [730 * DAY, '2y'],
  [731 * DAY, '2y1d'],
  [9 * 365 * DAY, '9y'],
  [-SECOND, '0s'],
  [-2 * SECOND, '<invalid>'],
])('P16: %i ms ago reads as %s', (ms, text) => {
  expect(ageText(new Date(now.getTime() - ms).toISOString(), now)).toBe(text)
})

test('P16: no time reads as unknown', () => {
  expect(ageText(undefined, now)).toBe('<unknown>')
})

const open = (): RegistryFixture => new RegistryFixture({ clock: new VirtualClock(now), random: seededRandom(1) })
const metadata = { name: 'x', namespace: 'default', creationTimestamp: '2026-05-31T23:59:00Z' }
const row = (server: RegistryFixture, resource: string, object: JsonObject): unknown[] => [
  ...server.table(resource, [{ metadata, ...object }]).rows[0]!.cells,
]
const pod = (status: JsonObject, extra: JsonObject = {}): JsonObject => ({
  spec: { containers: [{ name: 'a' }, { name: 'b' }] },
  status,
  ...extra,
})
const container = (name: string, state: JsonObject, more: JsonObject = {}): JsonObject => ({
  name,
  ready: state.running !== undefined,
  restartCount: 0,
  state,
  ...more,
})

test.each<[string, JsonObject, JsonObject?]>([
  ['Pending', { phase: 'Pending' }],
  ['Evicted', { phase: 'Failed', reason: 'Evicted' }],
  [
    'ImagePullBackOff',
    { phase: 'Pending', containerStatuses: [container('a', { waiting: { reason: 'ImagePullBackOff' } })] },
  ],
  ['Error', { phase: 'Failed', containerStatuses: [container('a', { terminated: { reason: 'Error', exitCode: 1 } })] }],
  ['ExitCode:3', { phase: 'Failed', containerStatuses: [container('a', { terminated: { exitCode: 3 } })] }],
  ['Signal:9', { phase: 'Failed', containerStatuses: [container('a', { terminated: { exitCode: 137, signal: 9 } })] }],
  [
    'NotReady',
    {
      phase: 'Running',
      containerStatuses: [
        container('a', { terminated: { reason: 'Completed', exitCode: 0 } }),
        container('b', { running: {} }),
      ],
    },
  ],
  ['Terminating', { phase: 'Running' }, { metadata: { ...metadata, deletionTimestamp: '2026-06-01T00:00:00Z' } }],
  [
    'Unknown',
    { phase: 'Running', reason: 'NodeLost' },
    { metadata: { ...metadata, deletionTimestamp: '2026-06-01T00:00:00Z' } },
  ],
  [
    'SchedulingGated',
    { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
  ],
])('P6: a Pod is shown as %s', async (text, status, extra) => {
  await using server = open()
  expect(row(server, 'pods', pod(status, extra))[2]).toBe(text)
})

test.each<[string, JsonObject]>([
  ['Init:0/2', { waiting: { reason: 'PodInitializing' } }],
  ['Init:CrashLoopBackOff', { waiting: { reason: 'CrashLoopBackOff' } }],
  ['Init:ExitCode:2', { terminated: { exitCode: 2 } }],
])('P6: a Pod whose init container has not finished is shown as %s', async (text, state) => {
  await using server = open()
  const spec = { containers: [{ name: 'a' }], initContainers: [{ name: 'i' }, { name: 'j' }] }
  const status = { phase: 'Pending', initContainerStatuses: [container('i', state)] }
  expect(row(server, 'pods', { spec, status })[2]).toBe(text)
})

test('P7: restarts are counted, with the time of the last', async () => {
  await using server = open()
  const lastState = { terminated: { exitCode: 1, finishedAt: '2026-05-31T23:55:00Z' } }
  const status = {
    phase: 'Running',
    containerStatuses: [container('a', { running: {} }, { restartCount: 3, lastState })],
  }
  expect(row(server, 'pods', pod(status)).slice(0, 5)).toEqual(['x', '1/2', 'Running', '3 (5m ago)', '60s'])
})

test('nodes, claims, volumes, Services and Events print as upstream prints them', async () => {
  await using server = open()
  const node = {
    metadata: { ...metadata, labels: { 'node-role.kubernetes.io/control-plane': '' } },
    spec: { unschedulable: true },
    status: { conditions: [{ type: 'Ready', status: 'True' }], nodeInfo: { kubeletVersion: 'v1.36.0' } },
  }
  expect(row(server, 'nodes', node).slice(0, 5)).toEqual([
    'x',
    'Ready,SchedulingDisabled',
    'control-plane',
    '60s',
    'v1.36.0',
  ])
  const claim = {
    spec: { volumeName: 'pv001', volumeMode: 'Filesystem' },
    status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] },
  }
  expect(row(server, 'persistentvolumeclaims', claim)).toEqual([
    'x',
    'Bound',
    'pv001',
    '1Gi',
    'RWO',
    '',
    '<unset>',
    '60s',
    'Filesystem',
  ])
  const volume = {
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
      persistentVolumeReclaimPolicy: 'Retain',
      claimRef: { namespace: 'default', name: 'www-web-0' },
    },
    status: { phase: 'Bound' },
  }
  expect(row(server, 'persistentvolumes', volume).slice(0, 6)).toEqual([
    'x',
    '1Gi',
    'RWO,ROX',
    'Retain',
    'Bound',
    'default/www-web-0',
  ])
  const service = {
    spec: { type: 'NodePort', clusterIPs: ['10.96.0.9'], ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }] },
  }
  expect(row(server, 'services', service)).toEqual([
    'x',
    'NodePort',
    '10.96.0.9',
    '<none>',
    '80:30080/TCP',
    '60s',
    '<none>',
  ])
  const event = {
    involvedObject: { kind: 'Pod', name: 'web-0' },
    type: 'Warning',
    reason: 'BackOff',
    message: 'Back-off\n',
    source: { component: 'kubelet', host: 'n1' },
    firstTimestamp: '2026-05-31T23:50:00Z',
    lastTimestamp: '2026-05-31T23:59:30Z',
    count: 4,
  }
  expect(row(server, 'events', event)).toEqual([
    '30s',
    'Warning',
    'BackOff',
    'pod/web-0',
    '',
    'kubelet, n1',
    'Back-off',
    '10m',
    4,
    'x',
  ])
  const standard = {
    metadata: { ...metadata, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'p',
  }
  expect(row(server, 'storageclasses.v1.storage.k8s.io', standard).slice(0, 4)).toEqual([
    'x (default)',
    'p',
    'Delete',
    'Immediate',
  ])
})
