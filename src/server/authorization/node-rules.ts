import type { PolicyRule } from '../../api/rbac-v1/types.ts'

const rule = (apiGroup: string, resources: readonly string[], verbs: readonly string[]): PolicyRule => ({
  apiGroups: [apiGroup],
  resources,
  verbs,
})

const READ = ['get', 'list', 'watch'] as const

/** What every kubelet may do, upstream's `system:node`. Secrets and the like are judged one by one. */
export const nodeRules: readonly PolicyRule[] = [
  rule('authentication.k8s.io', ['tokenreviews'], ['create']),
  rule('authorization.k8s.io', ['subjectaccessreviews', 'localsubjectaccessreviews'], ['create']),
  rule('', ['services'], READ),
  rule('', ['nodes'], ['create', ...READ]),
  rule('', ['nodes/status'], ['patch', 'update']),
  rule('', ['nodes'], ['patch', 'update']),
  rule('', ['events'], ['create', 'patch', 'update']),
  rule('events.k8s.io', ['events'], ['create', 'patch', 'update']),
  rule('', ['pods'], READ),
  rule('', ['pods'], ['create', 'delete']),
  rule('', ['pods/status'], ['patch', 'update']),
  rule('', ['pods/eviction'], ['create']),
  rule('', ['configmaps', 'secrets'], READ),
  rule('', ['persistentvolumeclaims', 'persistentvolumes'], ['get']),
  rule('', ['persistentvolumeclaims/status'], ['get', 'patch', 'update']),
  rule('', ['endpoints'], ['get']),
  rule('certificates.k8s.io', ['certificatesigningrequests'], ['create', ...READ]),
  rule('coordination.k8s.io', ['leases'], ['create', 'delete', 'get', 'patch', 'update']),
  rule('storage.k8s.io', ['volumeattachments'], ['get']),
  rule('storage.k8s.io', ['csidrivers'], READ),
  rule('storage.k8s.io', ['csinodes'], ['create', 'delete', 'get', 'patch', 'update']),
  rule('', ['serviceaccounts/token'], ['create']),
  rule('', ['serviceaccounts'], ['get']),
  rule('node.k8s.io', ['runtimeclasses'], READ),
  rule('resource.k8s.io', ['resourceclaims'], ['get']),
  rule('resource.k8s.io', ['resourceslices'], ['create', 'delete', 'deletecollection', ...READ, 'patch', 'update']),
  {
    nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/api', '/api/*', '/apis', '/apis/*', '/openapi/*'],
    verbs: ['get'],
  },
]
