import { nodeRules } from '../authorization/node-rules.ts'
import { events, READ, rule, urlRule } from './rules.ts'
import type { RoleSeed } from './user-roles.ts'

const leader = (name: string) => [
  rule('coordination.k8s.io', 'leases', 'create'),
  { ...rule('coordination.k8s.io', 'leases', 'get update'), resourceNames: [name] },
]

/** Roles of the parts of a cluster. */
export const componentRoles: readonly RoleSeed[] = [
  { name: 'system:node', rules: nodeRules },
  {
    name: 'system:node-bootstrapper',
    rules: [rule('certificates.k8s.io', 'certificatesigningrequests', 'create get list watch')],
  },
  {
    name: 'system:node-problem-detector',
    rules: [rule('', 'nodes', 'get'), rule('', 'nodes/status', 'patch'), ...events],
  },
  {
    name: 'system:node-proxier',
    rules: [
      rule('', 'endpoints services', 'list watch'),
      rule('', 'nodes', READ),
      rule('discovery.k8s.io', 'endpointslices', 'list watch'),
      rule('networking.k8s.io', 'servicecidrs', 'list watch'),
      ...events,
    ],
  },
  {
    name: 'system:kubelet-api-admin',
    rules: [
      rule('', 'nodes', 'get list watch proxy'),
      rule('', 'nodes/configz nodes/healthz nodes/log nodes/metrics nodes/pods nodes/proxy nodes/stats', '*'),
    ],
  },
  {
    name: 'system:auth-delegator',
    rules: [
      rule('authentication.k8s.io', 'tokenreviews', 'create'),
      rule('authorization.k8s.io', 'subjectaccessreviews', 'create'),
    ],
  },
  {
    name: 'system:heapster',
    rules: [rule('', 'events namespaces nodes pods', READ), rule('apps', 'deployments', READ)],
  },
  {
    name: 'system:kube-aggregator',
    rules: [rule('', 'endpoints services', READ), rule('discovery.k8s.io', 'endpointslices', READ)],
  },
  {
    name: 'system:kube-dns',
    rules: [rule('', 'endpoints services', 'list watch'), rule('discovery.k8s.io', 'endpointslices', 'list watch')],
  },
  {
    name: 'system:coredns',
    rules: [
      rule('', 'endpoints services pods namespaces nodes', 'list watch'),
      rule('discovery.k8s.io', 'endpointslices', 'list watch'),
    ],
  },
  {
    name: 'system:persistent-volume-provisioner',
    rules: [
      rule('', 'persistentvolumes', 'get list watch create delete'),
      rule('', 'persistentvolumeclaims', 'get list watch update'),
      rule('storage.k8s.io', 'storageclasses', READ),
      rule('', 'events', 'get list watch create patch update'),
    ],
  },
  {
    name: 'system:volume-scheduler',
    rules: [
      rule('', 'persistentvolumes', 'get list watch patch update'),
      rule('storage.k8s.io', 'storageclasses', READ),
      rule('', 'persistentvolumeclaims', 'get list watch patch update'),
    ],
  },
  {
    name: 'system:kube-scheduler',
    rules: [
      ...events,
      ...leader('kube-scheduler'),
      rule('', 'nodes namespaces', READ),
      rule('', 'pods', 'delete get list watch'),
      rule('', 'bindings pods/binding', 'create'),
      rule('', 'pods/status', 'patch update'),
      rule('', 'replicationcontrollers services', READ),
      rule('apps', 'replicasets statefulsets', READ),
      rule('policy', 'poddisruptionbudgets', READ),
      rule('', 'persistentvolumes persistentvolumeclaims', 'get list watch patch update'),
      rule('authentication.k8s.io', 'tokenreviews', 'create'),
      rule('authorization.k8s.io', 'subjectaccessreviews', 'create'),
      rule('storage.k8s.io', 'csidrivers csinodes csistoragecapacities storageclasses volumeattachments', READ),
      rule('resource.k8s.io', 'deviceclasses resourceslices', READ),
      rule('resource.k8s.io', 'resourceclaims', 'get list watch patch update'),
      rule('resource.k8s.io', 'resourceclaims/status', 'patch update'),
    ],
  },
  {
    name: 'system:kube-controller-manager',
    rules: [
      ...events,
      ...leader('kube-controller-manager'),
      rule('', 'secrets serviceaccounts', 'create'),
      rule('', 'secrets', 'delete'),
      rule('', 'configmaps namespaces secrets serviceaccounts', 'get'),
      rule('', 'secrets serviceaccounts', 'update'),
      rule('authentication.k8s.io', 'tokenreviews', 'create'),
      rule('authorization.k8s.io', 'subjectaccessreviews', 'create'),
      rule('*', '*', 'list watch'),
      rule('', 'serviceaccounts/token', 'create'),
    ],
  },
  {
    name: 'system:legacy-unknown-approver',
    rules: [{ ...rule('certificates.k8s.io', 'signers', 'approve'), resourceNames: ['kubernetes.io/legacy-unknown'] }],
  },
  {
    name: 'system:kubelet-serving-approver',
    rules: [{ ...rule('certificates.k8s.io', 'signers', 'approve'), resourceNames: ['kubernetes.io/kubelet-serving'] }],
  },
  {
    name: 'system:kube-apiserver-client-approver',
    rules: [
      { ...rule('certificates.k8s.io', 'signers', 'approve'), resourceNames: ['kubernetes.io/kube-apiserver-client'] },
    ],
  },
  {
    name: 'system:kube-apiserver-client-kubelet-approver',
    rules: [
      {
        ...rule('certificates.k8s.io', 'signers', 'approve'),
        resourceNames: ['kubernetes.io/kube-apiserver-client-kubelet'],
      },
    ],
  },
  {
    name: 'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
    rules: [rule('certificates.k8s.io', 'certificatesigningrequests/nodeclient', 'create')],
  },
  {
    name: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
    rules: [rule('certificates.k8s.io', 'certificatesigningrequests/selfnodeclient', 'create')],
  },
  { name: 'system:health-reader', rules: [urlRule('/healthz /livez /readyz')] },
]
