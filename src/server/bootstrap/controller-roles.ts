import { events, READ, rule } from './rules.ts'
import type { RoleSeed } from './user-roles.ts'

const role = (name: string, rules: RoleSeed['rules']): RoleSeed => ({
  name: `system:controller:${name}`,
  rules: [...rules, ...events],
})

const PODS = rule('', 'pods', 'create delete get list patch update watch')

/** Roles of the controllers, each bound to a service account of its own in kube-system. */
export const controllerRoles: readonly RoleSeed[] = [
  role('attachdetach-controller', [
    rule('', 'persistentvolumeclaims persistentvolumes', 'list watch'),
    rule('', 'nodes', READ),
    rule('', 'nodes/status', 'patch update'),
    rule('', 'pods', 'list watch'),
    rule('storage.k8s.io', 'volumeattachments', 'create delete get list watch'),
    rule('storage.k8s.io', 'csidrivers csinodes', READ),
  ]),
  role('clusterrole-aggregation-controller', [
    rule('rbac.authorization.k8s.io', 'clusterroles', 'escalate get list patch update watch'),
  ]),
  role('cronjob-controller', [
    rule('batch', 'cronjobs', 'get list update watch'),
    rule('batch', 'jobs', 'create delete get list patch update watch'),
    rule('batch', 'cronjobs/status', 'update'),
    rule('batch', 'cronjobs/finalizers', 'update'),
    rule('', 'pods', 'delete list'),
  ]),
  role('daemon-set-controller', [
    rule('apps', 'daemonsets', READ),
    rule('apps', 'daemonsets/status', 'update'),
    rule('apps', 'daemonsets/finalizers', 'update'),
    rule('', 'nodes', 'list watch'),
    PODS,
    rule('', 'pods/binding', 'create'),
    rule('apps', 'controllerrevisions', 'create delete get list patch update watch'),
  ]),
  role('deployment-controller', [
    rule('apps', 'deployments', 'get list update watch'),
    rule('apps', 'deployments/status', 'update'),
    rule('apps', 'deployments/finalizers', 'update'),
    rule('apps', 'replicasets', 'create delete get list patch update watch'),
    rule('', 'pods', 'get list update watch'),
  ]),
  role('disruption-controller', [
    rule('apps', 'deployments replicasets statefulsets', READ),
    rule('', 'replicationcontrollers', READ),
    rule('policy', 'poddisruptionbudgets', READ),
    rule('policy', 'poddisruptionbudgets/status', 'update'),
    rule('', 'pods/status', 'patch update'),
    rule('*', '*/scale', 'get'),
  ]),
  role('endpoint-controller', [
    rule('', 'pods services', READ),
    rule('', 'endpoints', 'create delete get list update'),
    rule('', 'endpoints/restricted', 'create'),
  ]),
  role('endpointslice-controller', [
    rule('', 'nodes pods services', READ),
    rule('', 'services/finalizers', 'update'),
    rule('discovery.k8s.io', 'endpointslices', 'create delete get list update watch'),
  ]),
  role('endpointslicemirroring-controller', [
    rule('', 'endpoints services', READ),
    rule('', 'endpoints/finalizers services/finalizers', 'update'),
    rule('discovery.k8s.io', 'endpointslices', 'create delete get list update watch'),
  ]),
  role('expand-controller', [
    rule('', 'persistentvolumes', 'get list patch update watch'),
    rule('', 'persistentvolumeclaims', 'get list watch'),
    rule('', 'persistentvolumeclaims/status', 'patch update'),
    rule('storage.k8s.io', 'storageclasses', READ),
  ]),
  role('generic-garbage-collector', [rule('*', '*', 'delete get list patch update watch')]),
  role('horizontal-pod-autoscaler', [
    rule('autoscaling', 'horizontalpodautoscalers', READ),
    rule('autoscaling', 'horizontalpodautoscalers/status', 'update'),
    rule('*', '*/scale', 'get update'),
    rule('', 'pods', 'list'),
  ]),
  role('job-controller', [
    rule('batch', 'jobs', 'get list patch update watch'),
    rule('batch', 'jobs/status', 'patch update'),
    rule('batch', 'jobs/finalizers', 'update'),
    PODS,
  ]),
  role('namespace-controller', [
    rule('', 'namespaces', 'delete get list watch'),
    rule('', 'namespaces/finalize namespaces/status', 'update'),
    rule('*', '*', 'delete deletecollection get list'),
  ]),
  role('node-controller', [
    rule('', 'nodes', 'delete get list patch update'),
    rule('', 'nodes/status', 'patch update'),
    rule('', 'pods/status', 'patch update'),
    rule('', 'pods', 'delete get list'),
  ]),
  role('persistent-volume-binder', [
    rule('', 'persistentvolumes', 'create delete get list update watch'),
    rule('', 'persistentvolumes/status', 'update'),
    rule('', 'persistentvolumeclaims', 'get list update watch'),
    rule('', 'persistentvolumeclaims/status', 'update'),
    rule('', 'pods', 'create delete get list watch'),
    rule('storage.k8s.io', 'storageclasses', READ),
    rule('', 'nodes', READ),
  ]),
  role('pod-garbage-collector', [
    rule('', 'pods', 'delete list watch'),
    rule('', 'nodes', 'get list'),
    rule('', 'pods/status', 'patch'),
  ]),
  role('pv-protection-controller', [rule('', 'persistentvolumes', 'get list update watch')]),
  role('pvc-protection-controller', [
    rule('', 'persistentvolumeclaims', 'get list update watch'),
    rule('', 'pods', READ),
  ]),
  role('replicaset-controller', [
    rule('apps', 'replicasets', 'get list update watch'),
    rule('apps', 'replicasets/status', 'update'),
    rule('apps', 'replicasets/finalizers', 'update'),
    PODS,
  ]),
  role('replication-controller', [
    rule('', 'replicationcontrollers', 'get list update watch'),
    rule('', 'replicationcontrollers/status', 'update'),
    rule('', 'replicationcontrollers/finalizers', 'update'),
    PODS,
  ]),
  role('resourcequota-controller', [rule('*', '*', 'list watch'), rule('', 'resourcequotas/status', 'update')]),
  role('root-ca-cert-publisher', [rule('', 'configmaps', 'create update')]),
  role('service-account-controller', [rule('', 'serviceaccounts', 'create')]),
  role('service-controller', [
    rule('', 'services', READ),
    rule('', 'services/status', 'patch update'),
    rule('', 'nodes', 'list watch'),
  ]),
  role('statefulset-controller', [
    rule('', 'pods', 'list watch'),
    rule('apps', 'statefulsets', READ),
    rule('apps', 'statefulsets/status', 'update'),
    rule('apps', 'statefulsets/finalizers', 'update'),
    rule('', 'pods', 'create delete get patch update'),
    rule('apps', 'controllerrevisions', 'create delete get list patch update watch'),
    rule('', 'persistentvolumeclaims', 'create get list watch delete update'),
  ]),
  role('ttl-after-finished-controller', [rule('batch', 'jobs', 'delete get list watch')]),
  role('ttl-controller', [rule('', 'nodes', 'list patch update watch')]),
  role('certificate-controller', [
    rule('certificates.k8s.io', 'certificatesigningrequests', 'delete get list watch'),
    rule('certificates.k8s.io', 'certificatesigningrequests/approval certificatesigningrequests/status', 'update'),
    {
      ...rule('certificates.k8s.io', 'signers', 'approve'),
      resourceNames: ['kubernetes.io/kube-apiserver-client-kubelet'],
    },
    {
      ...rule('certificates.k8s.io', 'signers', 'sign'),
      resourceNames: [
        'kubernetes.io/kube-apiserver-client',
        'kubernetes.io/kube-apiserver-client-kubelet',
        'kubernetes.io/kubelet-serving',
        'kubernetes.io/legacy-unknown',
      ],
    },
    rule('authorization.k8s.io', 'subjectaccessreviews', 'create'),
  ]),
  role('bootstrap-signer', [rule('', 'secrets', READ)]),
  role('token-cleaner', [rule('', 'secrets', 'get list watch delete')]),
  role('ephemeral-volume-controller', [
    rule('', 'pods', READ),
    rule('', 'pods/finalizers', 'update'),
    rule('', 'persistentvolumeclaims', 'create get list watch'),
  ]),
]
