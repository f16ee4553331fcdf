import type { PolicyRule, Subject } from '../../api/rbac-v1/types.ts'
import { controllerRoles } from './controller-roles.ts'
import { READ, rule } from './rules.ts'

export interface BindingSeed {
  readonly name: string
  readonly role: string
  readonly subjects: readonly Subject[]
}

const API_GROUP = 'rbac.authorization.k8s.io'
const group = (name: string): Subject => ({ kind: 'Group', apiGroup: API_GROUP, name })
const user = (name: string): Subject => ({ kind: 'User', apiGroup: API_GROUP, name })
const systemAccount = (name: string): Subject => ({ kind: 'ServiceAccount', namespace: 'kube-system', name })

/** Who is bound to which ClusterRole from the start. */
export const clusterRoleBindings: readonly BindingSeed[] = [
  { name: 'cluster-admin', role: 'cluster-admin', subjects: [group('system:masters')] },
  { name: 'kubeadm:cluster-admins', role: 'cluster-admin', subjects: [group('kubeadm:cluster-admins')] },
  { name: 'system:monitoring', role: 'system:monitoring', subjects: [group('system:monitoring')] },
  { name: 'system:discovery', role: 'system:discovery', subjects: [group('system:authenticated')] },
  { name: 'system:basic-user', role: 'system:basic-user', subjects: [group('system:authenticated')] },
  {
    name: 'system:public-info-viewer',
    role: 'system:public-info-viewer',
    subjects: [group('system:authenticated'), group('system:unauthenticated')],
  },
  {
    name: 'system:service-account-issuer-discovery',
    role: 'system:service-account-issuer-discovery',
    subjects: [group('system:serviceaccounts')],
  },
  { name: 'system:node', role: 'system:node', subjects: [] }, // The node authorizer judges nodes instead.
  {
    name: 'system:node-proxier',
    role: 'system:node-proxier',
    subjects: [user('system:kube-proxy'), group('system:nodes')],
  },
  { name: 'system:kube-scheduler', role: 'system:kube-scheduler', subjects: [user('system:kube-scheduler')] },
  { name: 'system:volume-scheduler', role: 'system:volume-scheduler', subjects: [user('system:kube-scheduler')] },
  {
    name: 'system:kube-controller-manager',
    role: 'system:kube-controller-manager',
    subjects: [user('system:kube-controller-manager')],
  },
  { name: 'system:kube-dns', role: 'system:kube-dns', subjects: [systemAccount('kube-dns')] },
  { name: 'system:coredns', role: 'system:coredns', subjects: [systemAccount('coredns'), user('system:dns')] },
  {
    name: 'kubeadm:kubelet-bootstrap',
    role: 'system:node-bootstrapper',
    subjects: [group('system:bootstrappers:kubeadm:default-node-token')],
  },
  {
    name: 'kubeadm:node-autoapprove-bootstrap',
    role: 'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
    subjects: [group('system:bootstrappers:kubeadm:default-node-token')],
  },
  {
    name: 'kubeadm:node-autoapprove-certificate-rotation',
    role: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
    subjects: [group('system:nodes')],
  },
  ...controllerRoles.map(({ name }) => ({
    name,
    role: name,
    subjects: [systemAccount(name.slice('system:controller:'.length))],
  })),
]

export interface NamespacedRoleSeed {
  readonly namespace: string
  readonly name: string
  readonly rules: readonly PolicyRule[]
  readonly subjects: readonly Subject[]
}

const named = (rule: PolicyRule, ...resourceNames: string[]): PolicyRule => ({ ...rule, resourceNames })

/** Roles in the system's own namespaces, with whoever is bound to them. */
export const namespacedRoles: readonly NamespacedRoleSeed[] = [
  {
    namespace: 'kube-public',
    name: 'kubeadm:bootstrap-signer-clusterinfo',
    rules: [named(rule('', 'configmaps', 'get'), 'cluster-info')],
    subjects: [user('system:anonymous')],
  },
  {
    namespace: 'kube-public',
    name: 'system:controller:bootstrap-signer',
    rules: [
      rule('', 'configmaps', READ),
      named(rule('', 'configmaps', 'update'), 'cluster-info'),
      rule('', 'events', 'create patch update'),
    ],
    subjects: [systemAccount('bootstrap-signer')],
  },
  {
    namespace: 'kube-system',
    name: 'extension-apiserver-authentication-reader',
    rules: [named(rule('', 'configmaps', READ), 'extension-apiserver-authentication')],
    subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler')],
  },
]
