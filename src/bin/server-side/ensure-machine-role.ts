import { ClusterRole, ClusterRoleBinding } from '../../api/rbac-v1/types.ts'
import type { Client } from '../../client/client.ts'
import { ensureObject } from './ensure-object.ts'

const NAME = 'holdfast:machine'
const READ = ['get', 'list', 'watch']

/**
 * What a machine does beside its kubelet, and the node authorizer does not know: it leads to Services and answers names,
 * and it makes the local volumes that are to lie on it.
 */
export async function ensureMachineRole(client: Client): Promise<void> {
  await ensureObject(client, ClusterRole, {
    metadata: { name: NAME },
    rules: [
      { apiGroups: [''], resources: ['namespaces', 'pods', 'services', 'endpoints', 'nodes'], verbs: READ },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: READ },
      { apiGroups: ['storage.k8s.io'], resources: ['storageclasses'], verbs: READ },
      { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: [...READ, 'update', 'patch'] },
      { apiGroups: [''], resources: ['persistentvolumes'], verbs: [...READ, 'create', 'update', 'patch', 'delete'] },
      { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch', 'update'] },
      { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
    ],
  })
  await ensureObject(client, ClusterRoleBinding, {
    metadata: { name: NAME },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: NAME },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:nodes' }],
  })
}
