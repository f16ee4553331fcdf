import { expect, test } from 'vitest'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { failureOf, RegistryFixture } from '../registry-fixture.ts'

const open = (): RegistryFixture => new RegistryFixture({ clock: new VirtualClock(), random: seededRandom(1) })
const metadata = { name: 'a' }
const pod = (spec: JsonObject): JsonObject => ({ metadata, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } })
const container = (part: JsonObject): JsonObject => pod({ containers: [{ name: 'c', image: 'i', ...part }] })
const role = 'roles.v1.rbac.authorization.k8s.io'
const binding = 'rolebindings.v1.rbac.authorization.k8s.io'
const claims = 'persistentvolumeclaims'

const cases: readonly (readonly [string, JsonObject, string])[] = [
  ['pods', pod({ containers: [] }), 'spec.containers: Required value'],
  [
    'pods',
    pod({ containers: [{ name: 'C_', image: 'i' }] }),
    'spec.containers[0].name: Invalid value: "C_": a lowercase RFC 1123 label must consist of lower case',
  ],
  ['pods', pod({ containers: [{ name: 'c' }] }), 'spec.containers[0].image: Required value'],
  [
    'pods',
    pod({ restartPolicy: 'Sometimes' }),
    'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
  ],
  [
    'pods',
    container({ ports: [{ containerPort: 70000 }] }),
    'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
  ],
  [
    'pods',
    container({ volumeMounts: [{ name: 'v', mountPath: '/x' }] }),
    'spec.containers[0].volumeMounts[0].name: Not found: "v"',
  ],
  [
    'pods',
    container({ livenessProbe: { periodSeconds: 5 } }),
    'spec.containers[0].livenessProbe: Required value: must specify a handler type',
  ],
  [
    'pods',
    container({ livenessProbe: { successThreshold: 2, exec: { command: ['x'] } } }),
    'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
  ],
  [
    'pods',
    container({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
    'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  ],
  [
    'pods',
    pod({ volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }] }),
    'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
  ],
  [
    'pods',
    pod({ tolerations: [{ operator: 'Equal' }] }),
    'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty',
  ],
  [
    'pods',
    { ...pod({}), metadata: { name: 'a', labels: { 'a b': 'c' } } },
    'metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters',
  ],
  [
    'pods',
    { ...pod({}), metadata: { name: 'A' } },
    'metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of',
  ],
  [
    'pods',
    { ...pod({}), metadata: { name: 'a', finalizers: ['x'] } },
    'metadata.finalizers: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified',
  ],
  ['services', { metadata, spec: {} }, 'spec.ports: Required value'],
  [
    'services',
    { metadata: { name: '1a' }, spec: { ports: [{ port: 80 }] } },
    'metadata.name: Invalid value: "1a": a DNS-1035 label must consist of',
  ],
  ['services', { metadata, spec: { ports: [{ port: 80 }, { port: 81 }] } }, 'spec.ports[0].name: Required value'],
  ['services', { metadata, spec: { type: 'ExternalName' } }, 'spec.externalName: Required value'],
  [claims, { metadata, spec: {} }, 'spec.accessModes: Required value: at least 1 access mode is required'],
  [claims, { metadata, spec: { accessModes: ['ReadWriteOnce'] } }, 'spec.resources[storage]: Required value'],
  [
    'persistentvolumes',
    { metadata, spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } } },
    'spec: Required value: must specify a volume type',
  ],
  [
    'storageclasses.v1.storage.k8s.io',
    { metadata, provisioner: 'p', reclaimPolicy: 'Recycle' },
    'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
  ],
  [
    'poddisruptionbudgets.v1.policy',
    { metadata, spec: { minAvailable: 1, maxUnavailable: 1 } },
    'minAvailable and maxUnavailable cannot be both set',
  ],
  [
    role,
    { metadata, rules: [{ verbs: [], resources: ['pods'], apiGroups: [''] }] },
    'rules[0].verbs: Required value: verbs must contain at least one value',
  ],
  [
    binding,
    { metadata, roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'Robot', name: 'x' }] },
    'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
  ],
  [
    'configmaps',
    { metadata, data: { 'a/b': 'c' } },
    "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  ],
  ['secrets', { metadata, type: 'kubernetes.io/tls' }, 'data[tls.crt]: Required value'],
  [
    'jobs.v1.batch',
    { metadata, spec: { template: pod({}) } },
    'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
  ],
  [
    'nodes',
    { metadata, spec: { taints: [{ key: 'k', effect: 'Never' }] } },
    'spec.taints[0].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
  ],
  [
    'leases.v1.coordination.k8s.io',
    { metadata, spec: { leaseDurationSeconds: 0 } },
    'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
  ],
]

test.each(cases)('%s: %j is refused with its reason', async (resource, body, text) => {
  await using server = open()
  const status = await failureOf(server.create(resource, body))
  expect(status.code).toBe(422)
  expect(status.message).toContain(text)
})

test('values of the wrong type are refused as upstream refuses them', async () => {
  await using server = open()
  const wrong = await failureOf(server.create('pods', pod({ containers: 'nginx' })))
  expect(wrong).toMatchObject({
    code: 400,
    message:
      'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []Container',
  })
  const quantity = await failureOf(server.create('pods', container({ resources: { limits: { cpu: 'much' } } })))
  expect(quantity.message).toContain('quantities must match the regular expression')
})

test('claims keep what they asked for, and grow only when bound', async () => {
  await using server = open()
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
  const created = await server.create(claims, { metadata, spec })
  const grown = { ...spec, resources: { requests: { storage: '2Gi' } } }
  expect((await failureOf(server.update(claims, { ...created, spec: { ...created.spec, ...grown } }))).code).toBe(422)
  const bound = await server.update(
    claims,
    { ...created, status: { phase: 'Bound', capacity: { storage: '1Gi' } } },
    { subresource: 'status' },
  )
  const larger = await server.update(claims, { ...bound, spec: { ...bound.spec, ...grown } })
  expect(larger.spec.resources.requests.storage).toBe('2Gi')
  const moved = { ...larger, spec: { ...larger.spec, accessModes: ['ReadOnlyMany'] } }
  expect((await failureOf(server.update(claims, moved))).message).toContain(
    'spec is immutable after creation except resources.requests',
  )
})

test('a workload cannot change its selector', async () => {
  await using server = open()
  const labels = { app: 'a' }
  const spec = {
    selector: { matchLabels: labels },
    template: { metadata: { labels: { ...labels, b: 'c' } }, ...pod({}) },
  }
  for (const resource of ['deployments.v1.apps', 'daemonsets.v1.apps', 'replicasets.v1.apps']) {
    const { metadata: _, ...template } = spec.template
    const created = await server.create(resource, {
      metadata,
      spec: { ...spec, template: { ...template, metadata: { labels: { ...labels, b: 'c' } } } },
    })
    const changed = { ...created, spec: { ...created.spec, selector: { matchLabels: { b: 'c' } } } }
    expect((await failureOf(server.update(resource, changed))).message).toContain(
      'spec.selector: Invalid value: {"matchLabels":{"b":"c"}}: field is immutable',
    )
  }
})

test('an immutable ConfigMap stays as it is', async () => {
  await using server = open()
  const created = await server.create('configmaps', { metadata, data: { k: 'v' }, immutable: true })
  const status = await failureOf(server.update('configmaps', { ...created, data: { k: 'w' } }))
  expect(status.message).toContain('data: Forbidden: field is immutable when `immutable` is set')
})

test('a Secret takes text and keeps it encoded', async () => {
  await using server = open()
  const created = await server.create('secrets', { metadata, stringData: { password: 'open' } })
  expect(created).toMatchObject({ type: 'Opaque', data: { password: 'b3Blbg==' } })
  expect(created.stringData).toBeUndefined()
})
