import { Pod, Service } from '../../api/core-v1/types.ts'
import type { Dependencies } from '../../client/controller.ts'
import type { InformerEvent, InformerFactory } from '../../client/informer.ts'
import { keyOf, type ObjectKey } from '../../machinery/object.ts'
import type { Labels } from '../../machinery/selectors.ts'

/** Services without a selector, and names for the outside, get no endpoints from us. */
export const choosesPods = ({ spec }: Service): boolean =>
  spec.type !== 'ExternalName' && spec.selector !== undefined && Object.keys(spec.selector).length > 0

/** Whether the Service selects Pods with these labels. */
export function selects({ spec }: Service, labels: Labels = {}): boolean {
  for (const key in spec.selector) if (labels[key] !== spec.selector[key]) return false
  return true
}

/** The Pods that the Service selects. */
export const podsOf = (service: Service, { informers }: Pick<Dependencies, 'informers'>): readonly Pod[] =>
  podsBeside(service, informers).filter(({ metadata }) => selects(service, metadata.labels))

/** The Pods that it may select. */
export const podsBeside = ({ metadata }: Service, informers: InformerFactory): readonly Pod[] =>
  informers.informer(Pod).list({ namespace: metadata.namespace })

/** The Services whose endpoints a change of a Pod may change. A change that no endpoint shows concerns none. */
export function servicesOf(event: InformerEvent<Pod>, { informers }: Pick<Dependencies, 'informers'>): ObjectKey[] {
  const versions = event.type === 'updated' ? [event.object, event.previous] : [event.object]
  if (event.type === 'updated' && shownOf(event.object) === shownOf(event.previous)) return []
  return informers
    .informer(Service)
    .list({ namespace: event.object.metadata.namespace })
    .filter(service => choosesPods(service) && versions.some(({ metadata }) => selects(service, metadata.labels)))
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
