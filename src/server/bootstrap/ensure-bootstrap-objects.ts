import { ConfigMap, Endpoints, Namespace, Service } from '../../api/core-v1/types.ts'
import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import type { Kind, KubernetesObject, Unsaved } from '../../api/kind.ts'
import { ServiceCIDR } from '../../api/networking-v1/types.ts'
import { ClusterRole, ClusterRoleBinding, type PolicyRule, Role, RoleBinding } from '../../api/rbac-v1/types.ts'
import { PriorityClass } from '../../api/scheduling-v1/types.ts'
import { addressRangeOf, addressTextOf } from '../../machinery/address-range.ts'
import type { ApiTransport } from '../../machinery/api-call.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { isStatusError } from '../../machinery/status.ts'
import { ruleText, uncoveredRules } from '../authorization/policy-rules.ts'
import { componentRoles } from './component-roles.ts'
import { controllerRoles } from './controller-roles.ts'
import { clusterRoleBindings, namespacedRoles } from './role-bindings.ts'
import { type RoleSeed, userRoles } from './user-roles.ts'

export interface BootstrapOptions {
  /** PEM of the CA by which clients know the server. */
  readonly authority: string
  /** Where clients from outside reach the server: `https://192.0.2.1:6443`. */
  readonly url: string
  /** Where Pods reach it, behind the Service `kubernetes`. */
  readonly addresses: readonly string[]
  readonly port: number
  /** Its first address is that of the Service `kubernetes`. Default `10.96.0.0/12`. */
  readonly serviceRange?: string
}

const RBAC_GROUP = 'rbac.authorization.k8s.io'
const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease']
const DEFAULTS_LABEL = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }
const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate'

/** Makes what every cluster has from its first moment. Safe at every start: what is there stays, and is only added to. */
export async function ensureBootstrapObjects(transport: ApiTransport, options: BootstrapOptions): Promise<void> {
  const writer = new Writer(transport)
  await Promise.all(NAMESPACES.map(name => writer.ensure(Namespace, { metadata: { name }, spec: {} })))
  await Promise.all([
    ...clusterRoles().map(role => writer.ensureRole(role)),
    ...clusterRoleBindings.map(binding => writer.ensure(ClusterRoleBinding, clusterBinding(binding))),
    ...namespacedRoles.map(seed => writer.ensure(Role, namespacedRole(seed))),
    ...namespacedRoles.map(seed => writer.ensure(RoleBinding, namespacedBinding(seed))),
    ...priorityClasses.map(priorityClass => writer.ensure(PriorityClass, priorityClass)),
    ...publicDocuments(options).map(configMap => writer.replace(ConfigMap, configMap)),
    ensureOwnService(writer, options),
  ])
}

type ClusterRoleSeed = Unsaved<ClusterRole>
type BindingOf = (typeof clusterRoleBindings)[number]
type NamespacedOf = (typeof namespacedRoles)[number]

function clusterRoles(): ClusterRoleSeed[] {
  const seeds = [...userRoles, ...componentRoles, ...controllerRoles]
  return seeds.map(seed => ({
    metadata: {
      name: seed.name,
      labels: { ...DEFAULTS_LABEL, ...seed.labels },
      annotations: { [AUTOUPDATE]: 'true' },
    },
    ...(seed.aggregates && {
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [seed.aggregates]: 'true' } }] },
    }),
    rules: rulesOf(seed, seeds),
  }))
}

/** What an aggregated role shows of itself is filled in here; authorisation puts it together anew each time. */
function rulesOf(seed: RoleSeed, seeds: readonly RoleSeed[]): readonly PolicyRule[] {
  const label = seed.aggregates
  if (!label) return seed.rules
  return seeds.filter(({ labels }) => labels?.[label] === 'true').flatMap(selected => rulesOf(selected, seeds))
}

const roleRef = (kind: 'ClusterRole' | 'Role', name: string) => ({ apiGroup: RBAC_GROUP, kind, name })

const clusterBinding = ({ name, role, subjects }: BindingOf): Unsaved<ClusterRoleBinding> => ({
  metadata: { name, labels: DEFAULTS_LABEL, annotations: { [AUTOUPDATE]: 'true' } },
  roleRef: roleRef('ClusterRole', role),
  subjects,
})

const namespacedRole = ({ namespace, name, rules }: NamespacedOf): Unsaved<Role> => ({
  metadata: { namespace, name, labels: DEFAULTS_LABEL, annotations: { [AUTOUPDATE]: 'true' } },
  rules,
})

const namespacedBinding = ({ namespace, name, subjects }: NamespacedOf): Unsaved<RoleBinding> => ({
  metadata: { namespace, name, labels: DEFAULTS_LABEL, annotations: { [AUTOUPDATE]: 'true' } },
  roleRef: roleRef('Role', name),
  subjects,
})

const priorityClasses: readonly Unsaved<PriorityClass>[] = [
  {
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
]

/** What a machine that joins, or a server that extends this one, needs to know before it is trusted. */
function publicDocuments({ authority, url }: BootstrapOptions): Unsaved<ConfigMap>[] {
  const cluster = { server: url, 'certificate-authority-data': Buffer.from(authority).toString('base64') }
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: '', cluster }],
    contexts: [],
    'current-context': '',
    preferences: {},
    users: [],
  }
  return [
    {
      metadata: { namespace: 'kube-public', name: 'cluster-info' },
      data: { kubeconfig: `${JSON.stringify(kubeconfig, null, 2)}\n` },
    },
    {
      metadata: { namespace: 'kube-system', name: 'extension-apiserver-authentication' },
      data: { 'client-ca-file': authority },
    },
  ]
}

/** The Service by which Pods find the API, and the addresses behind it: no selector finds them. */
async function ensureOwnService(writer: Writer, options: BootstrapOptions): Promise<void> {
  const { addresses, port, serviceRange = '10.96.0.0/12' } = options
  const clusterIP = addressTextOf(addressRangeOf(serviceRange).first + 1)
  const metadata = { namespace: 'default', name: 'kubernetes' }
  const labels = { component: 'apiserver', provider: 'kubernetes' }
  await writer.ensure(ServiceCIDR, { metadata: { name: 'kubernetes' }, spec: { cidrs: [serviceRange] } })
  await writer.ensure(Service, {
    metadata: { ...metadata, labels },
    spec: {
      clusterIP,
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
      sessionAffinity: 'None',
      type: 'ClusterIP',
    },
  })
  const skipMirroring = { 'endpointslice.kubernetes.io/skip-mirror': 'true' }
  await writer.replace(Endpoints, {
    metadata: { ...metadata, labels: skipMirroring },
    subsets: [{ addresses: addresses.map(ip => ({ ip })), ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  })
  await writer.replace(EndpointSlice, {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: addresses.map(address => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  })
}

class Writer {
  readonly #transport: ApiTransport

  constructor(transport: ApiTransport) {
    this.#transport = transport
  }

  /** Creates the object unless there is one of its name. */
  async ensure<T extends KubernetesObject>(kind: Kind<T>, object: Unsaved<T>): Promise<void> {
    if (await this.#find(kind, object)) return
    try {
      await this.#transport.request({ ...callOf(kind, object), verb: 'create', body: bodyOf(kind, object) })
    } catch (error) {
      // Another server may have been faster, and then holds not only the name but also the address of a Service.
      if (!(await this.#find(kind, object))) throw error
    }
  }

  /** Creates the object, or makes the one that is there say the same. */
  async replace<T extends KubernetesObject>(kind: Kind<T>, object: Unsaved<T>): Promise<void> {
    const found = await this.#find(kind, object)
    if (!found) return this.ensure(kind, object)
    const { metadata: _, ...content } = bodyOf(kind, object) as JsonObject
    const isSame = Object.entries(content).every(([key, value]) => isContained(value, found[key]))
    if (isSame) return
    await this.#transport.request({ ...callOf(kind, object, true), verb: 'update', body: { ...found, ...content } })
  }

  /** Adds rules that a newer release needs; takes none away, and leaves alone who asked for that. */
  async ensureRole(role: ClusterRoleSeed): Promise<void> {
    const found = (await this.#find(ClusterRole, role)) as ClusterRole | undefined
    if (!found) return this.ensure(ClusterRole, role)
    if (found.metadata.annotations?.[AUTOUPDATE] === 'false') return
    const missing = uncoveredRules(found.rules ?? [], role.rules ?? [])
    if (missing.length === 0) return
    const known = new Set((found.rules ?? []).map(ruleText))
    const added = (role.rules ?? []).filter(rule => !known.has(ruleText(rule)))
    const body = { ...found, rules: [...(found.rules ?? []), ...added] } as unknown as JsonObject
    await this.#transport.request({ ...callOf(ClusterRole, role, true), verb: 'update', body })
  }

  async #find<T extends KubernetesObject>(kind: Kind<T>, object: Unsaved<T>): Promise<JsonObject | undefined> {
    try {
      return await this.#transport.request({ ...callOf(kind, object, true), verb: 'get' })
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined
      throw error
    }
  }
}

function callOf<T extends KubernetesObject>(
  { group, version, plural }: Kind<T>,
  { metadata }: Unsaved<T>,
  isNamed = false,
) {
  const { namespace, name } = metadata
  return { group, version, resource: plural, ...(namespace && { namespace }), ...(isNamed && { name: name! }) }
}

const bodyOf = <T extends KubernetesObject>(kind: Kind<T>, object: Unsaved<T>): JsonValue =>
  ({ apiVersion: kind.apiVersion, kind: kind.kind, ...object }) as unknown as JsonValue

/** Whether everything that `wanted` says is also in `found`, which may say more (defaults). */
function isContained(wanted: JsonValue | undefined, found: JsonValue | undefined): boolean {
  if (typeof wanted !== 'object' || wanted === null) return wanted === found
  if (Array.isArray(wanted)) {
    const items = Array.isArray(found) ? found : []
    return items.length === wanted.length && wanted.every((item, index) => isContained(item, items[index]))
  }
  if (typeof found !== 'object' || found === null) return false
  return Object.entries(wanted as JsonObject).every(([key, value]) => isContained(value, (found as JsonObject)[key]))
}
