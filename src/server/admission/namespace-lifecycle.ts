import { Namespace } from '../../api/core-v1/types.ts'
import { forbiddenTo, notFound, statusErrorFrom } from '../../machinery/status.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../../registry/resource.ts'
import type { ObjectCache, ObjectCaches } from '../object-cache.ts'
import { unchanged } from './admission-plugin.ts'

/** Namespaces that a cluster cannot be without. */
const IMMORTAL: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public'])

/** Nothing is created in a namespace that is not there or on its way out, and some namespaces stay for ever. */
export function namespaceLifecycle(caches: ObjectCaches): AdmissionPlugin {
  const namespaces = caches.of(Namespace)
  return {
    name: 'NamespaceLifecycle',
    mutate(request) {
      return request.operation === 'CREATE' ? checked(request, namespaces, caches) : unchanged(request)
    },
    validate({ operation, resource, subresource, name = '' }) {
      if (operation === 'DELETE' && subresource === undefined && isNamespaces(resource) && IMMORTAL.has(name)) {
        throw forbiddenTo({ group: '', resource: 'namespaces' }, name, 'this namespace may not be deleted')
      }
      return undefined
    },
  }
}

const isNamespaces = ({ group, plural }: AdmissionRequest['resource']): boolean =>
  group === '' && plural === 'namespaces'

function checked(request: AdmissionRequest, namespaces: ObjectCache<Namespace>, caches: ObjectCaches) {
  const { namespace, resource } = request
  if (!namespace || !resource.namespaced) return unchanged(request)
  // Reviews may be asked about any namespace, and events about one that is being emptied.
  if (resource.group === 'authorization.k8s.io') return unchanged(request)
  const known = namespaces.get({ name: namespace })
  if (!known) return checkedLive(request, namespace, caches)
  refuseTerminating(request, known)
  return unchanged(request)
}

/** The cache may be a moment behind a namespace that was just made. */
async function checkedLive(request: AdmissionRequest, namespace: string, caches: ObjectCaches) {
  const live = await caches.live(Namespace, { name: namespace })
  if (!live) throw notFound({ group: '', resource: 'namespaces' }, namespace)
  refuseTerminating(request, live)
  return unchanged(request)
}

function refuseTerminating(request: AdmissionRequest, { metadata }: Namespace): void {
  if (!metadata.deletionTimestamp) return
  const { group, plural } = request.resource
  const why = `unable to create new content in namespace ${metadata.name} because it is being terminated`
  const { status } = forbiddenTo({ group, resource: plural }, request.name ?? '', why)
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${metadata.name} is being terminated`,
    field: 'metadata.namespace',
  }
  throw statusErrorFrom({ ...status, details: { ...status.details, causes: [cause] } })
}
