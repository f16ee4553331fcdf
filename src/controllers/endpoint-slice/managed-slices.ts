import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import type { KubernetesObject, Unsaved } from '../../api/kind.ts'
import type { InformerEvent, InformerFactory } from '../../client/informer.ts'
import { controllerReferenceTo, keyFromText, keyText, type ObjectKey } from '../../machinery/object.ts'
import { type Random, suffixFrom } from '../../machinery/random.ts'
import type { Labels } from '../../machinery/selectors.ts'
import { SERVICE_NAME_LABEL, serviceKeyOf, slicesByService } from '../../machinery/service-endpoints.ts'
import type { SliceContent } from './packing.ts'

const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'

/** The slices of one manager: several controllers, and people, may each have some of one Service. */
export class ManagedSlices {
  readonly #manager: string

  constructor(manager: string) {
    this.#manager = manager
  }

  /** By which a slice is found: its Service and its manager. */
  labelsFor(serviceName: string): Labels {
    return { [SERVICE_NAME_LABEL]: serviceName, [MANAGED_BY]: this.#manager }
  }

  /** Looks up those of a Service. */
  lister(informers: InformerFactory): (service: ObjectKey) => readonly EndpointSlice[] {
    const slices = informers.informer(EndpointSlice)
    slices.addIndex(slicesByService.name, slicesByService.valuesOf)
    return service => slices.byIndex(slicesByService.name, keyText(service)).filter(slice => this.#isOurs(slice))
  }

  /** The Service of a slice, also of one that lost its labels: what it was before says whose it is. */
  readonly servicesOf = (event: InformerEvent<EndpointSlice>): ObjectKey[] => {
    const versions = event.type === 'updated' ? [event.object, event.previous] : [event.object]
    return versions.flatMap(slice => {
      const key = this.#isOurs(slice) && serviceKeyOf(slice)
      return key ? [keyFromText(key)] : []
    })
  }

  #isOurs({ metadata }: EndpointSlice): boolean {
    return metadata.labels?.[MANAGED_BY] === this.#manager
  }
}

export interface NewSlice {
  readonly labels: Labels
  readonly content: SliceContent
  readonly random: Random
}

/** A slice that goes with its owner, whose name it begins with. */
export function newSliceFor(owner: KubernetesObject, { labels, content, random }: NewSlice): Unsaved<EndpointSlice> {
  const { name, namespace } = owner.metadata
  const generateName = `${name}-`
  const ownerReferences = [controllerReferenceTo(owner)]
  const metadata = {
    name: generateName + suffixFrom(random),
    generateName,
    namespace: namespace!,
    labels,
    ownerReferences,
  }
  return { ...content, metadata }
}
