import type { PolicyRule } from '../../api/rbac-v1/types.ts'
import { READ, READ_WRITE, rule, urlRule, WRITE } from './rules.ts'

/** A ClusterRole as upstream's defaults have it. */
export interface RoleSeed {
  readonly name: string
  readonly rules: readonly PolicyRule[]
  readonly labels?: { readonly [key: string]: string }
  /** Gathers the rules of all roles with this label instead of having its own. */
  readonly aggregates?: string
}

const TO_ADMIN = 'rbac.authorization.k8s.io/aggregate-to-admin'
const TO_EDIT = 'rbac.authorization.k8s.io/aggregate-to-edit'
const TO_VIEW = 'rbac.authorization.k8s.io/aggregate-to-view'

const WORKLOADS =
  'daemonsets deployments deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale'

const viewRules: readonly PolicyRule[] = [
  rule(
    '',
    'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
    READ,
  ),
  rule(
    '',
    'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
    READ,
  ),
  rule('', 'namespaces', READ),
  rule('discovery.k8s.io', 'endpointslices', READ),
  rule(
    'apps',
    `controllerrevisions ${WORKLOADS} daemonsets/status deployments/status replicasets/status statefulsets/status`,
    READ,
  ),
  rule('autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status', READ),
  rule('batch', 'cronjobs cronjobs/status jobs jobs/status', READ),
  rule('policy', 'poddisruptionbudgets poddisruptionbudgets/status', READ),
  rule('networking.k8s.io', 'ingresses ingresses/status networkpolicies', READ),
  rule('resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates', READ),
]

const editRules: readonly PolicyRule[] = [
  rule('', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy', READ),
  rule('', 'serviceaccounts', 'impersonate'),
  rule('', 'pods pods/attach pods/exec pods/portforward pods/proxy', WRITE),
  rule('', 'pods/eviction', 'create'),
  rule(
    '',
    'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
    WRITE,
  ),
  rule('', 'serviceaccounts/token', 'create'),
  rule('apps', `${WORKLOADS} deployments/rollback`, WRITE),
  rule('autoscaling', 'horizontalpodautoscalers', WRITE),
  rule('batch', 'cronjobs jobs', WRITE),
  rule('policy', 'poddisruptionbudgets', WRITE),
  rule('networking.k8s.io', 'ingresses networkpolicies', WRITE),
  rule('coordination.k8s.io', 'leases', READ_WRITE),
  rule('resource.k8s.io', 'resourceclaims resourceclaimtemplates', WRITE),
]

const adminRules: readonly PolicyRule[] = [
  rule('authorization.k8s.io', 'localsubjectaccessreviews', 'create'),
  rule('rbac.authorization.k8s.io', 'rolebindings roles', READ_WRITE),
]

const DISCOVERY_URLS = '/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/'

/** Roles that people are given. */
export const userRoles: readonly RoleSeed[] = [
  {
    name: 'cluster-admin',
    rules: [rule('*', '*', '*'), urlRule('*', '*')],
  },
  { name: 'admin', aggregates: TO_ADMIN, rules: [] },
  { name: 'edit', aggregates: TO_EDIT, labels: { [TO_ADMIN]: 'true' }, rules: [] },
  { name: 'view', aggregates: TO_VIEW, labels: { [TO_EDIT]: 'true' }, rules: [] },
  { name: 'system:aggregate-to-admin', labels: { [TO_ADMIN]: 'true' }, rules: adminRules },
  { name: 'system:aggregate-to-edit', labels: { [TO_EDIT]: 'true' }, rules: editRules },
  { name: 'system:aggregate-to-view', labels: { [TO_VIEW]: 'true' }, rules: viewRules },
  { name: 'system:discovery', rules: [urlRule(DISCOVERY_URLS)] },
  { name: 'system:public-info-viewer', rules: [urlRule('/healthz /livez /readyz /version /version/')] },
  {
    name: 'system:basic-user',
    rules: [
      rule('authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews', 'create'),
      rule('authentication.k8s.io', 'selfsubjectreviews', 'create'),
    ],
  },
  {
    name: 'system:monitoring',
    rules: [urlRule('/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*')],
  },
  {
    name: 'system:service-account-issuer-discovery',
    rules: [
      urlRule('/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/'),
    ],
  },
]
