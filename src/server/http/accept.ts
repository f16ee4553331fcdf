import { notAcceptable } from '../../machinery/status.ts'

/** The forms in which an answer can be had, beside the object itself (KEP-555, API concepts "Receiving as Table"). */
export type Shape = 'Object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'

/** Discovery documents come in two more forms. */
export type DiscoveryShape = 'v2' | 'v2beta1' | 'plain'

export type MediaType = 'application/json' | 'application/yaml'

export interface Accepted {
  readonly mediaType: MediaType
  readonly shape: Shape
  readonly pretty: boolean
}

interface Clause {
  readonly mediaType: string
  readonly parameters: ReadonlyMap<string, string>
}

const OFFERED_TYPES: readonly MediaType[] = ['application/json', 'application/yaml']
const META_GROUP = 'meta.k8s.io'
const SHAPES: readonly Shape[] = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']
const CACHED_HEADERS_MAX = 200
const cache = new Map<string, Accepted>()

/**
 * The first form in the client's list that can be had; kubectl and client-go name several, best first. Throws
 * NotAcceptable when there is none. A new encoding (protobuf) is one more media type here and one more encoder.
 */
export function acceptedOf(header: string | undefined): Accepted {
  const text = header ?? '*/*'
  const known = cache.get(text)
  if (known) return known
  const accepted = negotiated(text)
  if (cache.size < CACHED_HEADERS_MAX) cache.set(text, accepted) // Real clients use a handful; strangers may not fill memory.
  return accepted
}

function negotiated(header: string): Accepted {
  for (const { mediaType, parameters } of clausesOf(header)) {
    const offered = offeredFor(mediaType)
    const shape = shapeOf(parameters)
    if (offered && shape) return { mediaType: offered, shape, pretty: parameters.get('pretty') === '1' }
  }
  throw notAcceptable(OFFERED_TYPES)
}

function offeredFor(mediaType: string): MediaType | undefined {
  if (mediaType === '*/*' || mediaType === 'application/*') return 'application/json'
  return OFFERED_TYPES.find(type => type === mediaType)
}

function shapeOf(parameters: ReadonlyMap<string, string>): Shape | undefined {
  const as = parameters.get('as')
  if (as === undefined) return 'Object'
  if (parameters.get('g') !== META_GROUP || parameters.get('v') !== 'v1') return undefined
  return SHAPES.find(shape => shape === as)
}

/** Which form of discovery a client prefers; the plain one is for those that know no other. */
export function discoveryShapeOf(header: string | undefined): DiscoveryShape {
  for (const { mediaType, parameters } of clausesOf(header ?? '*/*')) {
    if (!offeredFor(mediaType)) continue
    if (parameters.get('as') !== 'APIGroupDiscoveryList') return 'plain'
    const version = parameters.get('v')
    if (parameters.get('g') === 'apidiscovery.k8s.io' && (version === 'v2' || version === 'v2beta1')) return version
  }
  return 'plain'
}

function clausesOf(header: string): Clause[] {
  const clauses = header
    .split(',')
    .map(text => clauseOf(text))
    .filter(({ mediaType }) => mediaType !== '')
  if (clauses.length === 0) return [{ mediaType: '*/*', parameters: new Map() }]
  const quality = ({ parameters }: Clause): number => Number(parameters.get('q') ?? 1) || 0
  return clauses.filter(clause => quality(clause) > 0).sort((a, b) => quality(b) - quality(a)) // Stable: order breaks ties.
}

function clauseOf(text: string): Clause {
  const [mediaType = '', ...parameters] = text.split(';').map(part => part.trim())
  const pairs = parameters.map((parameter): [string, string] => {
    const equals = parameter.indexOf('=')
    return equals < 0
      ? [parameter, '']
      : [parameter.slice(0, equals), parameter.slice(equals + 1).replace(/^"|"$/g, '')]
  })
  return { mediaType: mediaType.toLowerCase(), parameters: new Map(pairs) }
}
