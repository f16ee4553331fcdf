import type { PolicyRule } from '../../api/rbac-v1/types.ts'

export const READ = ['get', 'list', 'watch'] as const
export const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'] as const
export const READ_WRITE = [...READ, ...WRITE] as const

/** Words separated by spaces: the tables of roles stay readable that way. */
const words = (text: string): string[] => text.split(' ')

/** `rule('apps', 'deployments deployments/scale', READ)`; the core group is `''`. */
export const rule = (apiGroup: string, resources: string, verbs: readonly string[] | string): PolicyRule => ({
  apiGroups: [apiGroup],
  resources: words(resources),
  verbs: typeof verbs === 'string' ? words(verbs) : verbs,
})

export const urlRule = (urls: string, verbs = 'get'): PolicyRule => ({
  nonResourceURLs: words(urls),
  verbs: words(verbs),
})

export const events: readonly PolicyRule[] = [
  rule('', 'events', 'create patch update'),
  rule('events.k8s.io', 'events', 'create patch update'),
]
