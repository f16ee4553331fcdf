import { ConfigMap, Namespace } from '../../api/core-v1/types.ts'
import type { Unsaved } from '../../api/kind.ts'
import { type ClusterRole, ClusterRoleBinding, type PolicyRule, Role, RoleBinding } from '../../api/rbac-v1/types.ts'
import { PriorityClass } from '../../api/scheduling-v1/types.ts'
import type { ApiTransport } from '../../machinery/api-call.ts'
import type { Clock } from '../../machinery/clock.ts'
import { AUTOUPDATE, BootstrapWriter } from './bootstrap-writer.ts'
import { componentRoles } from './component-roles.ts'
import { controllerRoles } from './controller-roles.ts'
import { ensureOwnService, type OwnServiceOptions } from './own-service.ts'
import { clusterRoleBindings, namespacedRoles } from './role-bindings.ts'
import { type RoleSeed, userRoles } from './user-roles.ts'

export interface BootstrapOptions extends OwnServiceOptions {
  /** PEM of the CA by which clients know the server. */
  readonly authority: string
  /** Where clients from outside reach the server: `https://192.0.2.1:6443`. */
  readonly url: string
}

const RBAC_GROUP = 'rbac.authorization.k8s.io'
const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease']
const DEFAULTS_LABEL = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }

interface Beginning extends BootstrapOptions {
  readonly clock: Clock
  /** Makes this server known to the others, beside the rest. */
  readonly join?: () => Promise<void>
}

/** Makes what every cluster has from its first moment. Safe at every start: what is there stays, and is only added to. */
export async function ensureBootstrapObjects(transport: ApiTransport, options: Beginning): Promise<void> {
  const writer = new BootstrapWriter(transport)
  await Promise.all(NAMESPACES.map(name => writer.ensure(Namespace, { metadata: { name }, spec: {} })))
  await Promise.all([
    ...clusterRoles().map(role => writer.ensureRole(role)),
    ...clusterRoleBindings.map(binding => writer.ensure(ClusterRoleBinding, clusterBinding(binding))),
    ...namespacedRoles.map(seed => writer.ensure(Role, namespacedRole(seed))),
    ...namespacedRoles.map(seed => writer.ensure(RoleBinding, namespacedBinding(seed))),
    ...priorityClasses.map(priorityClass => writer.ensure(PriorityClass, priorityClass)),
    ...publicDocuments(options).map(configMap => writer.replace(ConfigMap, configMap)),
    ensureOwnService(writer, options),
    options.join?.(),
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
