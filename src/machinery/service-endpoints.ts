import type { Service } from '../api/core-v1/types.ts'
import type { Endpoint, EndpointSlice } from '../api/discovery-v1/types.ts'

/** On an EndpointSlice: the Service, of the same namespace, whose endpoints it lists. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'

/** What `publishNotReadyAddresses` was before it was a field. Old manifests still carry it. */
const TOLERATE_UNREADY_ANNOTATION = 'service.alpha.kubernetes.io/tolerate-unready-endpoints'

/** `namespace/name` of the Service that a slice belongs to. */
export function serviceKeyOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[SERVICE_NAME_LABEL]
  return name ? `${metadata.namespace}/${name}` : undefined
}

/** An index of EndpointSlices for `Informer.addIndex`, shared by everyone who asks for the slices of a Service. */
export const slicesByService = {
  name: 'service',
  valuesOf: (slice: EndpointSlice): readonly string[] => {
    const key = serviceKeyOf(slice)
    return key ? [key] : []
  },
} as const

export const isHeadless = ({ spec }: Service): boolean => spec.clusterIP === 'None'

/** The Service's own addresses; none when it is headless, has none yet, or is only a name for another host. */
export function clusterAddressesOf({ spec }: Service): readonly string[] {
  if (spec.type === 'ExternalName') return []
  const addresses = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? '']
  return addresses.filter(address => address !== '' && address !== 'None')
}

/** Asks for the addresses of Pods that are not ready, too: members that must find each other before they can be. */
export const publishesUnready = ({ spec, metadata }: Service): boolean =>
  spec.publishNotReadyAddresses === true || metadata.annotations?.[TOLERATE_UNREADY_ANNOTATION] === 'true'

/** EndpointConditions: an absent condition is unknown, and unknown counts as ready and serving, and as not terminating. */
export const isReadyEndpoint = ({ conditions }: Endpoint): boolean => conditions?.ready !== false

export const isTerminatingEndpoint = ({ conditions }: Endpoint): boolean => conditions?.terminating === true

/** Passes its readiness checks, terminating or not. */
export const isServingEndpoint = ({ conditions }: Endpoint): boolean =>
  (conditions?.serving ?? conditions?.ready) !== false
