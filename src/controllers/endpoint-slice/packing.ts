import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/discovery-v1/types.ts'
import type { AddressType } from './endpoint.ts'

export const ENDPOINTS_PER_SLICE_MAX = 100

/** Endpoints that share one slice shape: same address family, same ports. */
export interface EndpointGroup {
  readonly addressType: AddressType
  readonly ports: readonly EndpointPort[]
  readonly endpoints: readonly Endpoint[]
}

/** What a slice shall contain. */
export type SliceContent = Pick<EndpointSlice, 'addressType' | 'ports' | 'endpoints'>

export interface Packing {
  readonly create: readonly SliceContent[]
  readonly update: readonly { readonly slice: EndpointSlice; readonly content: SliceContent }[]
  readonly remove: readonly EndpointSlice[]
}

/**
 * Puts endpoints into slices so that as few slices as possible change: an endpoint stays where it is, new ones fill
 * slices that change anyway, then whole new slices; the rest goes to the fullest slice with room for all of it.
 */
export function packingOf(
  groups: readonly EndpointGroup[],
  existing: readonly EndpointSlice[],
  texts: EndpointTexts = new EndpointTexts(),
): Packing {
  const shapes = new Map(groups.map(group => [shapeOf(group), group]))
  const placed = new Set<string>()
  const wanted = new Map<string, ReadonlyMap<string, Endpoint>>()
  for (const [shape, { endpoints }] of shapes)
    wanted.set(shape, new Map(endpoints.map(each => [texts.identityOf(each), each])))
  const drafts = existing.map(slice => draftOf(slice, { wanted, placed, texts }))
  const create: SliceContent[] = []
  for (const [shape, { addressType, ports, endpoints }] of shapes) {
    const own = drafts.filter(draft => draft.shape === shape)
    let rest = endpoints.filter(endpoint => !placed.has(texts.identityOf(endpoint)))
    for (const draft of own.filter(({ isChanged }) => isChanged)) rest = fill(draft, rest)
    for (; rest.length >= ENDPOINTS_PER_SLICE_MAX; rest = rest.slice(ENDPOINTS_PER_SLICE_MAX)) {
      create.push({ addressType, ports, endpoints: rest.slice(0, ENDPOINTS_PER_SLICE_MAX) })
    }
    if (rest.length === 0) continue
    const roomy = own.filter(({ kept }) => kept.length + rest.length <= ENDPOINTS_PER_SLICE_MAX).sort(byFullest)[0]
    if (roomy) fill(roomy, rest)
    else create.push({ addressType, ports, endpoints: rest })
  }
  return withPlaceholders({ groups, drafts, create })
}

interface Draft {
  readonly slice: EndpointSlice
  readonly shape: string
  /** What stays of the slice, in its order, as it shall read now, and what was added. */
  kept: Endpoint[]
  isChanged: boolean
}

const shapeOf = ({ addressType, ports }: { addressType: string; ports?: readonly EndpointPort[] }): string =>
  `${addressType} ${(ports ?? [])
    .map(({ name = '', port, protocol = 'TCP', appProtocol = '' }) => `${name}|${port}|${protocol}|${appProtocol}`)
    .sort()
    .join(',')}`

/** What endpoints are compared by, made once for each object. */
export class EndpointTexts {
  readonly #identities = new WeakMap<Endpoint, string>()
  readonly #texts = new WeakMap<Endpoint, string>()

  /** Two states of one Pod are one endpoint, as long as its address is the same. */
  identityOf(endpoint: Endpoint): string {
    const known = this.#identities.get(endpoint)
    if (known !== undefined) return known
    const identity = `${endpoint.targetRef?.uid ?? ''} ${endpoint.addresses.join(',')}`
    this.#identities.set(endpoint, identity)
    return identity
  }

  isSame(a: Endpoint, b: Endpoint): boolean {
    return a === b || this.#textOf(a) === this.#textOf(b)
  }

  #textOf(endpoint: Endpoint): string {
    const known = this.#texts.get(endpoint)
    if (known !== undefined) return known
    const text = JSON.stringify(sorted(endpoint))
    this.#texts.set(endpoint, text)
    return text
  }
}

const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, entry]) => [key, sorted(entry)]),
      )
    : value

/** An endpoint that stands in two slices stays in the first: `placed` collects those that have their place. */
function draftOf(
  slice: EndpointSlice,
  {
    wanted,
    placed,
    texts,
  }: {
    readonly wanted: ReadonlyMap<string, ReadonlyMap<string, Endpoint>>
    readonly placed: Set<string>
    readonly texts: EndpointTexts
  },
): Draft {
  const shape = shapeOf(slice)
  const endpoints = wanted.get(shape)
  const before = slice.endpoints ?? []
  const kept: Endpoint[] = []
  let isChanged = false
  for (const old of before) {
    const identity = texts.identityOf(old)
    const endpoint = endpoints?.get(identity)
    if (!endpoint || placed.has(identity)) {
      isChanged = true
      continue
    }
    placed.add(identity)
    kept.push(endpoint)
    if (!texts.isSame(old, endpoint)) isChanged = true
  }
  return { slice, shape, kept, isChanged }
}

const byFullest = (a: Draft, b: Draft): number => b.kept.length - a.kept.length

function fill(draft: Draft, endpoints: readonly Endpoint[]): Endpoint[] {
  const room = ENDPOINTS_PER_SLICE_MAX - draft.kept.length
  if (room > 0 && endpoints.length > 0) draft.isChanged = true
  draft.kept = [...draft.kept, ...endpoints.slice(0, room)]
  return endpoints.slice(room)
}

/** Empty slices go, but one stays for each address family that has no endpoint: it says "looked, found nobody". */
function withPlaceholders({
  groups,
  drafts,
  create,
}: {
  groups: readonly EndpointGroup[]
  drafts: readonly Draft[]
  create: SliceContent[]
}): Packing {
  const empty = drafts.filter(({ kept }) => kept.length === 0)
  const update = drafts.filter(({ kept, isChanged }) => kept.length > 0 && isChanged).map(updateOf)
  const spared = new Set<Draft>()
  for (const addressType of new Set(groups.map(group => group.addressType))) {
    if (groups.some(group => group.addressType === addressType && group.endpoints.length > 0)) continue
    const placeholder = empty.find(({ slice }) => slice.addressType === addressType)
    if (!placeholder) create.push({ addressType, ports: [], endpoints: [] })
    else {
      spared.add(placeholder)
      if (placeholder.isChanged) update.push(updateOf(placeholder))
    }
  }
  return { create, update, remove: empty.filter(draft => !spared.has(draft)).map(({ slice }) => slice) }
}

const updateOf = ({ slice, kept }: Draft): Packing['update'][number] => {
  const { addressType, ports } = slice
  return { slice, content: { addressType, ...(ports && { ports }), endpoints: kept } }
}
