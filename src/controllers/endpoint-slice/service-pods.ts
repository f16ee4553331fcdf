import { Pod, Service } from '../../api/core-v1/types.ts'
import type { Dependencies } from '../../client/controller.ts'
import type { InformerEvent } from '../../client/informer.ts'
import { keyOf, type ObjectKey } from '../../machinery/object.ts'
import type { Labels } from '../../machinery/selectors.ts'

/** Services without a selector, and names for the outside, get no endpoints from us. */
export const choosesPods = ({ spec }: Service): boolean =>
  spec.type !== 'ExternalName' && spec.selector !== undefined && Object.keys(spec.selector).length > 0

/** The Pods that the Service selects, in a stable order. */
export function podsOf(service: Service, { informers }: Pick<Dependencies, 'informers'>): readonly Pod[] {
  const { namespace } = service.metadata
  const pods = informers.informer(Pod).list({ namespace })
  return pods.filter(({ metadata }) => isSelected(service, metadata.labels)).sort(byName)
}

const byName = (a: Pod, b: Pod): number => (a.metadata.name < b.metadata.name ? -1 : 1)

const isSelected = ({ spec }: Service, labels: Labels = {}): boolean =>
  Object.entries(spec.selector ?? {}).every(([key, value]) => labels[key] === value)

/** The Services whose endpoints a change of a Pod may change. A change that no endpoint shows concerns none. */
export function servicesOf(event: InformerEvent<Pod>, { informers }: Pick<Dependencies, 'informers'>): ObjectKey[] {
  const versions = event.type === 'updated' ? [event.object, event.previous] : [event.object]
  if (event.type === 'updated' && shownOf(event.object) === shownOf(event.previous)) return []
  return informers
    .informer(Service)
    .list({ namespace: event.object.metadata.namespace })
    .filter(service => choosesPods(service) && versions.some(({ metadata }) => isSelected(service, metadata.labels)))
    .map(keyOf)
}

/** Everything of a Pod that its endpoints are made of. */
function shownOf({ metadata, spec, status }: Pod): string {
  return JSON.stringify([
    metadata.labels,
    metadata.deletionTimestamp !== undefined,
    spec.nodeName,
    spec.hostname,
    spec.subdomain,
    status.phase,
    status.podIP,
    status.podIPs,
    status.conditions?.find(({ type }) => type === 'Ready')?.status,
  ])
}
