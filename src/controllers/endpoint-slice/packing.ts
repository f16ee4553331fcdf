import { deepEqual } from 'fast-equals'
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
 * slices that change anyway, then the fullest slice with room for all of them, then new slices.
 */
export function packingOf(groups: readonly EndpointGroup[], existing: readonly EndpointSlice[]): Packing {
  const shapes = new Map(groups.map(group => [shapeOf(group), group]))
  const placed = new Set<string>()
  const drafts = existing.map(slice => draftOf(slice, shapes, placed))
  const create: SliceContent[] = []
  for (const [shape, { addressType, ports, endpoints }] of shapes) {
    const own = drafts.filter(draft => draft.shape === shape)
    let rest = endpoints.filter(endpoint => !placed.has(identityOf(endpoint)))
    for (const draft of own.filter(isChanged)) rest = fill(draft, rest)
    const roomy = own.filter(({ kept }) => kept.length + rest.length <= ENDPOINTS_PER_SLICE_MAX).sort(byFullest)[0]
    if (roomy && rest.length > 0) rest = fill(roomy, rest)
    for (let at = 0; at < rest.length; at += ENDPOINTS_PER_SLICE_MAX) {
      create.push({ addressType, ports, endpoints: rest.slice(at, at + ENDPOINTS_PER_SLICE_MAX) })
    }
  }
  return withPlaceholders({ groups, drafts, create })
}

interface Draft {
  readonly slice: EndpointSlice
  readonly shape: string
  /** What stays of the slice, in its order, as it shall read now, and what was added. */
  kept: Endpoint[]
}

const shapeOf = ({ addressType, ports }: { addressType: string; ports?: readonly EndpointPort[] }): string =>
  `${addressType} ${(ports ?? [])
    .map(({ name = '', port, protocol = 'TCP', appProtocol = '' }) => `${name}|${port}|${protocol}|${appProtocol}`)
    .sort()
    .join(',')}`

/** Two states of one Pod are one endpoint, as long as its address is the same. */
const identityOf = ({ targetRef, addresses }: Endpoint): string => `${targetRef?.uid ?? ''} ${addresses.join(',')}`

/** An endpoint that stands in two slices stays in the first: `placed` collects those that have their place. */
function draftOf(slice: EndpointSlice, shapes: ReadonlyMap<string, EndpointGroup>, placed: Set<string>): Draft {
  const shape = shapeOf(slice)
  const wanted = new Map((shapes.get(shape)?.endpoints ?? []).map(endpoint => [identityOf(endpoint), endpoint]))
  const kept = (slice.endpoints ?? []).flatMap(old => {
    const identity = identityOf(old)
    const endpoint = wanted.get(identity)
    if (!endpoint || placed.has(identity)) return []
    placed.add(identity)
    return [endpoint]
  })
  return { slice, shape, kept }
}

const isChanged = ({ slice, kept }: Draft): boolean => !deepEqual(slice.endpoints ?? [], kept)
const byFullest = (a: Draft, b: Draft): number => b.kept.length - a.kept.length

function fill(draft: Draft, endpoints: readonly Endpoint[]): Endpoint[] {
  const room = ENDPOINTS_PER_SLICE_MAX - draft.kept.length
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
  const update = drafts.filter(draft => draft.kept.length > 0 && isChanged(draft)).map(updateOf)
  const spared = new Set<Draft>()
  for (const addressType of new Set(groups.map(group => group.addressType))) {
    if (groups.some(group => group.addressType === addressType && group.endpoints.length > 0)) continue
    const placeholder = empty.find(({ slice }) => slice.addressType === addressType)
    if (!placeholder) create.push({ addressType, ports: [], endpoints: [] })
    else {
      spared.add(placeholder)
      if (isChanged(placeholder)) update.push(updateOf(placeholder))
    }
  }
  return { create, update, remove: empty.filter(draft => !spared.has(draft)).map(({ slice }) => slice) }
}

const updateOf = ({ slice, kept }: Draft): Packing['update'][number] => {
  const { addressType, ports } = slice
  return { slice, content: { addressType, ...(ports && { ports }), endpoints: kept } }
}
