import { SubjectAccessReview } from '../../api/authorization-v1/types.ts'
import type { Client } from '../../client/client.ts'
import type { KubeletEndpointOptions } from '../../kubelet/endpoint/kubelet-endpoint.ts'

const MASTERS = 'system:masters'
/** Subresources of `nodes` that guard parts of the endpoint (Kubelet authorization); everything else is `proxy`. */
const SUBRESOURCES: readonly (readonly [prefix: string, subresource: string])[] = [
  ['/stats', 'stats'],
  ['/metrics', 'metrics'],
  ['/logs', 'log'],
]

/** Lets in whom the API server vouches for: its own certificate, and whoever a SubjectAccessReview allows it. */
export function vouchedFor(client: Client, nodeName: string): KubeletEndpointOptions['authorize'] {
  return async ({ name, groups }, { method, path }) => {
    if (groups.includes(MASTERS)) return true
    const subresource = SUBRESOURCES.find(([prefix]) => path.startsWith(prefix))?.[1] ?? 'proxy'
    const verb = method === 'GET' ? 'get' : 'create'
    const resourceAttributes = { group: '', version: 'v1', resource: 'nodes', subresource, verb, name: nodeName }
    const review = await client.create(SubjectAccessReview, {
      metadata: {},
      spec: { user: name, groups, resourceAttributes },
    })
    return review.status?.allowed ?? false
  }
}
