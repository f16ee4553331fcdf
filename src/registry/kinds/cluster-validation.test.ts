import { expect, test } from 'vitest'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { failureOf, type Loose, RegistryFixture } from '../registry-fixture.ts'

const open = (): RegistryFixture => new RegistryFixture({ clock: new VirtualClock(), random: seededRandom(1) })
const metadata = { name: 'a' }
const withSpec = (spec: JsonObject): JsonObject => ({ metadata, spec })
const labels = { app: 'a' }
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const workload = (spec: JsonObject): JsonObject => withSpec({ selector: { matchLabels: labels }, template, ...spec })

const deployments = 'deployments.v1.apps'
const daemonSets = 'daemonsets.v1.apps'
const budgets = 'poddisruptionbudgets.v1.policy'
const clusterRoles = 'clusterroles.v1.rbac.authorization.k8s.io'
const classes = 'storageclasses.v1.storage.k8s.io'
const ingresses = 'ingresses.v1.networking.k8s.io'
const policies = 'networkpolicies.v1.networking.k8s.io'
const drivers = 'csidrivers.v1.storage.k8s.io'
const nodeDrivers = 'csinodes.v1.storage.k8s.io'
const capacities = 'csistoragecapacities.v1.storage.k8s.io'
const flows = 'flowschemas.v1.flowcontrol.apiserver.k8s.io'
const levels = 'prioritylevelconfigurations.v1.flowcontrol.apiserver.k8s.io'
const deviceClaims = 'resourceclaims.v1.resource.k8s.io'

const surge = (strategy: JsonObject): JsonObject => workload({ strategy: { type: 'RollingUpdate', ...strategy } })
const daemons = (rollingUpdate: JsonObject): JsonObject =>
  workload({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } })
const taints = (...items: JsonObject[]): JsonObject => withSpec({ taints: items })
const volume = (part: JsonObject): JsonObject =>
  withSpec({ accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, ...part })
const hostPath = { hostPath: { path: '/data' } }
const path = (part: JsonObject): JsonObject =>
  withSpec({
    rules: [
      {
        http: {
          paths: [
            { path: '/', pathType: 'Prefix', backend: { service: { name: 'b', port: { number: 80 } } }, ...part },
          ],
        },
      },
    ],
  })
const backend = (part: JsonObject): JsonObject => path({ backend: part })
const ingressRule = (part: JsonObject): JsonObject => withSpec({ podSelector: {}, ingress: [part] })

const cases: readonly (readonly [string, JsonObject, string])[] = [
  [
    deployments,
    surge({ rollingUpdate: { maxUnavailable: 0, maxSurge: 0 } }),
    'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
  ],
  [
    deployments,
    workload({ strategy: { type: 'Recreate', rollingUpdate: {} } }),
    "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
  ],
  [
    deployments,
    workload({ strategy: { type: 'Fast' } }),
    'spec.strategy.type: Unsupported value: "Fast": supported values: "Recreate", "RollingUpdate"',
  ],
  [
    deployments,
    workload({ progressDeadlineSeconds: 5, minReadySeconds: 5 }),
    'spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds',
  ],
  [
    deployments,
    workload({ selector: {} }),
    'spec.selector: Invalid value: {}: empty selector is invalid for deployment',
  ],
  [
    daemonSets,
    daemons({ maxUnavailable: 0, maxSurge: 0 }),
    'spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0',
  ],
  [
    daemonSets,
    daemons({ maxUnavailable: 1, maxSurge: 1 }),
    'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
  ],
  [
    daemonSets,
    daemons({ maxUnavailable: '101%' }),
    'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
  ],
  [
    'replicationcontrollers',
    withSpec({ selector: { a: 'b' }, template }),
    'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
  ],
  [
    'resourcequotas',
    withSpec({ hard: { pods: '-1' } }),
    'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0',
  ],
  [
    'resourcequotas',
    withSpec({ hard: { gold: '1' } }),
    'spec.hard[gold]: Invalid value: "gold": must be a standard resource for quota',
  ],
  [
    'resourcequotas',
    withSpec({ scopes: ['BestEffort', 'NotBestEffort'] }),
    'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
  ],
  [
    'limitranges',
    withSpec({ limits: [{ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } }] }),
    'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
  ],
  [
    'limitranges',
    withSpec({ limits: [{ type: 'Pod', default: { cpu: '2' } }] }),
    "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
  ],
  [
    'endpoints',
    { metadata, subsets: [{}] },
    'subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`',
  ],
  [
    'endpoints',
    { metadata, subsets: [{ addresses: [{ ip: '1.2.3' }] }] },
    'subsets[0].addresses[0].ip: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ],
  [budgets, withSpec({ minAvailable: -1 }), 'spec.minAvailable: Invalid value: -1: must be greater than or equal to 0'],
  [
    budgets,
    withSpec({ maxUnavailable: 'x' }),
    'spec.maxUnavailable: Invalid value: "x": a valid percent string must be a numeric string followed by an ending \'%\'',
  ],
  [
    budgets,
    withSpec({ unhealthyPodEvictionPolicy: 'Never' }),
    'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"',
  ],
  ['nodes', taints({ key: 'k' }), 'spec.taints[0].effect: Required value'],
  [
    'nodes',
    taints({ key: 'k', value: 'a b', effect: 'NoSchedule' }),
    'spec.taints[0].value: Invalid value: "a b": a valid label must be an empty string',
  ],
  [
    'nodes',
    taints({ key: 'k', effect: 'NoSchedule' }, { key: 'k', effect: 'NoSchedule' }),
    'taints must be unique by key and effect pair',
  ],
  [
    'nodes',
    withSpec({ podCIDRs: ['10.0.0.0/99'] }),
    'spec.podCIDRs[0]: Invalid value: "10.0.0.0/99": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
  ],
  [
    'nodes',
    withSpec({ podCIDRs: ['10.0.0.0/24', '10.0.1.0/24'] }),
    'may specify no more than one CIDR for each IP family',
  ],
  [
    clusterRoles,
    { metadata, aggregationRule: {} },
    'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
  ],
  [
    'persistentvolumes',
    volume({ ...hostPath, accessModes: ['ReadWriteOncePod', 'ReadOnlyMany'] }),
    'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
  ],
  [
    'persistentvolumes',
    volume({ ...hostPath, capacity: { storage: '0' } }),
    'spec.capacity[storage]: Invalid value: "0": must be greater than zero',
  ],
  [
    'persistentvolumes',
    volume({ hostPath: { path: '/a/../b' } }),
    'spec.hostPath.path: Invalid value: "/a/../b": must not contain \'..\'',
  ],
  [
    'persistentvolumes',
    volume({ hostPath: { path: '/' }, persistentVolumeReclaimPolicy: 'Recycle' }),
    "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
  ],
  [
    'persistentvolumes',
    volume({ nfs: { server: 's', path: 'x' } }),
    'spec.nfs.path: Invalid value: "x": must be an absolute path',
  ],
  ['persistentvolumes', volume({ csi: { driver: 'd' } }), 'spec.csi.volumeHandle: Required value'],
  [
    'persistentvolumes',
    volume({ local: { path: '/x' } }),
    'spec.nodeAffinity: Required value: Local volume requires node affinity',
  ],
  [
    'persistentvolumes',
    volume({ ...hostPath, nodeAffinity: {} }),
    'spec.nodeAffinity.required: Required value: must specify required node constraints',
  ],
  [
    'persistentvolumeclaims',
    withSpec({
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      dataSource: { kind: 'Secret', name: 'x' },
    }),
    'spec.dataSource: Invalid value: "Secret": must be \'PersistentVolumeClaim\' when referencing the default apiGroup',
  ],
  [
    classes,
    { metadata, provisioner: 'a b' },
    'provisioner: Invalid value: "a b": name part must consist of alphanumeric characters',
  ],
  [
    classes,
    { metadata, provisioner: 'p', parameters: { '': 'x' } },
    'parameters: Invalid value: "": field can not be empty.',
  ],
  [
    classes,
    { metadata, provisioner: 'p', volumeBindingMode: 'Later' },
    'volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"',
  ],
  [
    classes,
    { metadata, provisioner: 'p', allowedTopologies: [{ matchLabelExpressions: [{ key: 'k', values: ['a', 'a'] }] }] },
    'allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"',
  ],
  [ingresses, withSpec({}), 'spec: Invalid value: null: either `defaultBackend` or `rules` must be specified'],
  [
    ingresses,
    path({ pathType: 'Fuzzy' }),
    'spec.rules[0].http.paths[0].pathType: Unsupported value: "Fuzzy": supported values: "Exact", "ImplementationSpecific", "Prefix"',
  ],
  [ingresses, path({ path: 'x' }), 'spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path'],
  [ingresses, path({ path: '/a//b' }), "must not contain '//'"],
  [
    ingresses,
    backend({}),
    'spec.rules[0].http.paths[0].backend: Required value: resource or service backend is required',
  ],
  [ingresses, backend({ service: { name: 'b' } }), 'port name or number is required'],
  [
    ingresses,
    backend({ service: { name: 'b', port: { name: 'web', number: 80 } } }),
    'cannot set both port name & port number',
  ],
  [
    ingresses,
    withSpec({ rules: [{ host: '10.0.0.1' }] }),
    'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
  ],
  [ingresses, withSpec({ rules: [{ host: '*.*.x' }] }), "a wildcard DNS-1123 subdomain must start with '*.'"],
  [policies, ingressRule({ from: [{}] }), 'spec.ingress[0].from[0]: Required value: must specify a peer'],
  [
    policies,
    ingressRule({ from: [{ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }] }),
    'may not specify both ipBlock and another peer',
  ],
  [
    policies,
    ingressRule({ ports: [{ port: 80, endPort: 79 }] }),
    'spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`',
  ],
  [
    policies,
    ingressRule({ ports: [{ port: 'web', endPort: 80 }] }),
    'may not specify endPort when port is non-numeric',
  ],
  [
    drivers,
    withSpec({ volumeLifecycleModes: ['Brief'] }),
    'spec.volumeLifecycleModes: Unsupported value: "Brief": supported values: "Ephemeral", "Persistent"',
  ],
  [nodeDrivers, withSpec({ drivers: [{ name: 'd', nodeID: '' }] }), 'spec.drivers[0].nodeID: Required value'],
  [
    capacities,
    { metadata, storageClassName: 's', capacity: '-1' },
    'capacity: Invalid value: "-1": must be greater than or equal to 0',
  ],
  [
    flows,
    withSpec({ priorityLevelConfiguration: { name: '' } }),
    'spec.priorityLevelConfiguration.name: Required value: must reference a priority level',
  ],
  [
    flows,
    withSpec({ priorityLevelConfiguration: { name: 'x' }, rules: [{ subjects: [], resourceRules: [] }] }),
    'spec.rules[0].subjects: Required value: subjects must contain at least one value',
  ],
  [levels, withSpec({ type: 'Limited' }), 'spec.limited: Required value: must not be empty when type is Limited'],
  [
    deviceClaims,
    withSpec({ devices: { requests: [{ name: 'x' }] } }),
    'spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required',
  ],
]

test.each(cases)('%s: %j is refused with its reason', async (resource, body, text) => {
  await using server = open()
  const status = await failureOf(server.create(resource, body))
  expect(status.code).toBe(422)
  expect(status.message).toContain(text)
})

test('a surge may be more than all', async () => {
  await using server = open()
  const created = await server.create(deployments, surge({ rollingUpdate: { maxSurge: '200%' } }))
  expect(created.spec.strategy.rollingUpdate.maxSurge).toBe('200%')
})

test.each([
  [
    classes,
    { metadata, provisioner: 'p', parameters: { a: 'b' } },
    { parameters: { a: 'c' } },
    'parameters: Forbidden: updates to parameters are forbidden.',
  ],
  [
    classes,
    { metadata, provisioner: 'p' },
    { provisioner: 'q' },
    'provisioner: Forbidden: updates to provisioner are forbidden.',
  ],
  [
    classes,
    { metadata, provisioner: 'p' },
    { volumeBindingMode: 'WaitForFirstConsumer' },
    'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
  ],
  [
    'nodes',
    withSpec({ providerID: 'a://1' }),
    { spec: { providerID: 'a://2' } },
    'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
  ],
  [
    'nodes',
    withSpec({ podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] }),
    { spec: { podCIDR: '10.0.1.0/24', podCIDRs: ['10.0.1.0/24'] } },
    'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
  ],
  [
    'persistentvolumes',
    volume(hostPath),
    { spec: { hostPath: { path: '/other' } } },
    'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation',
  ],
  [drivers, withSpec({}), { spec: { attachRequired: false } }, 'field is immutable'],
] as const)('%s: what stays as it was made is named', async (resource, body, change, text) => {
  await using server = open()
  await server.create(resource, body)
  const status = await failureOf(server.patch(resource, 'a', { type: 'merge', body: change as JsonValue }))
  expect(status.code).toBe(422)
  expect(status.message).toContain(text)
})

test.each([
  [
    deployments,
    workload({}),
    { replicas: 1, readyReplicas: 2 },
    'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
  ],
  [
    deployments,
    workload({}),
    { replicas: 3, readyReplicas: 1, availableReplicas: 2 },
    'status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas',
  ],
  [
    'replicasets.v1.apps',
    workload({}),
    { replicas: -1 },
    'status.replicas: Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    daemonSets,
    workload({}),
    { desiredNumberScheduled: -1, currentNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 },
    'status.desiredNumberScheduled: Invalid value: -1',
  ],
  [
    budgets,
    withSpec({ minAvailable: 1 }),
    { disruptionsAllowed: -1, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
    'status.disruptionsAllowed: Invalid value: -1',
  ],
  [
    'nodes',
    withSpec({}),
    {
      addresses: [
        { type: 'Hostname', address: 'a' },
        { type: 'Hostname', address: 'a' },
      ],
    },
    'status.addresses[1]: Duplicate value',
  ],
] as const)('%s: a status that cannot be true is refused', async (resource, body, status, text) => {
  await using server = open()
  const created: Loose = await server.create(resource, body)
  const failure = await failureOf(server.update(resource, { ...created, status }, { subresource: 'status' }))
  expect(failure.code).toBe(422)
  expect(failure.message).toContain(text)
})

const crds = 'customresourcedefinitions.v1.apiextensions.k8s.io'
const definition = (schema: JsonObject, part: JsonObject = {}, names: JsonObject = {}): JsonObject => ({
  metadata: { name: 'things.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'things', kind: 'Thing', ...names },
    versions: [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', ...schema } }, ...part },
    ],
  },
})
const property = (schema: JsonObject): JsonObject =>
  definition({ properties: { spec: { type: 'object', properties: { x: schema } } } })

test.each([
  [
    'a kind that is also the kind of its list',
    definition({}, {}, { listKind: 'Thing' }),
    'spec.names.listKind: Invalid value: "Thing": kind and listKind may not be the same',
  ],
  [
    'a kind that is no word',
    definition({}, {}, { kind: 'Th_ing' }),
    'spec.names.kind: Invalid value: "Th_ing": may have mixed case, but should otherwise match: a DNS-1035 label',
  ],
  [
    'a property without a type',
    property({}),
    'properties[x].type: Required value: must not be empty for specified object fields',
  ],
  [
    'items without a type',
    property({ type: 'array', items: {} }),
    'items.type: Required value: must not be empty for specified array items',
  ],
  [
    'a type beside int-or-string',
    property({ type: 'string', 'x-kubernetes-int-or-string': true }),
    'must be empty if x-kubernetes-int-or-string is true',
  ],
  [
    'a default of another type',
    property({ type: 'integer', default: 'x' }),
    'properties[x].default: Invalid value: "string"',
  ],
  ['a pattern that is none', property({ type: 'string', pattern: '(' }), 'must be a valid regular expression'],
  [
    'a map list without keys',
    property({ type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'map' }),
    'x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map',
  ],
  [
    'a list type of another kind',
    property({ type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'bag' }),
    'Unsupported value: "bag": supported values: "atomic", "set", "map"',
  ],
  [
    'a type in anyOf',
    property({ type: 'object', anyOf: [{ type: 'object' }] }),
    'anyOf[0].type: Forbidden: must be empty to be structural',
  ],
  [
    'a rule without text',
    property({ type: 'string', 'x-kubernetes-validations': [{ rule: ' ' }] }),
    'x-kubernetes-validations[0].rule: Required value: rule is not specified',
  ],
  [
    'a schema of metadata',
    definition({ properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } }),
    'must not specify anything other than name and generateName, but metadata is implicitly specified',
  ],
  [
    'a scale outside of spec',
    definition(
      {},
      { subresources: { scale: { specReplicasPath: '.x.replicas', statusReplicasPath: '.status.replicas' } } },
    ),
    'scale.specReplicasPath: Invalid value: ".x.replicas": should be a json path under .spec',
  ],
  [
    'a column of no known type',
    definition({}, { additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: '.a' }] }),
    'additionalPrinterColumns[0].type: Unsupported value: "text": supported values: "boolean", "date", "integer", "number", "string"',
  ],
  [
    'a conversion without its webhook',
    { ...definition({}), spec: { ...(definition({}).spec as JsonObject), conversion: { strategy: 'Webhook' } } },
    'spec.conversion.webhook.clientConfig: Required value: required when strategy is set to Webhook',
  ],
] as const)('a definition with %s is refused', async (_what, body, text) => {
  await using server = open()
  const status = await failureOf(server.create(crds, body as JsonObject))
  expect(status.code).toBe(422)
  expect(status.message).toContain(text)
})

test('a version that objects are stored in cannot be taken out of a definition', async () => {
  await using server = open()
  const created = await server.create(crds, definition({}))
  const [v1] = created.spec.versions
  const versions = [{ ...v1, name: 'v2' }]
  const body = { spec: { versions } }
  const status = await failureOf(server.patch(crds, 'things.example.com', { type: 'merge', body }))
  expect(status.message).toContain('status.storedVersions[0]: Invalid value: "v1": missing from spec.versions')
})
