import { CachedObject, encodedOf } from '../cache/cached-object.ts'
import type { Encoded, EncodedWatchEvent } from '../resource.ts'
import type { ServedKind } from '../served-kind.ts'

const views = new WeakMap<Encoded, Map<ServedKind, Encoded>>()

/** A stored object as this version shows it. Converted once for each object and version, and kept as long as it. */
export function viewOf(kind: ServedKind, stored: Encoded): Encoded {
  if (!kind.conversion) return stored
  const known = views.get(stored)?.get(kind)
  if (known) return known
  const converted = kind.conversion.fromStored(stored.object)
  if (converted === stored.object) return stored
  const view = encodedOf(converted)
  const all = views.get(stored) ?? new Map<ServedKind, Encoded>()
  all.set(kind, view)
  views.set(stored, all)
  return view
}

/** A change as this version shows it. */
export const eventViewOf = (kind: ServedKind, event: EncodedWatchEvent): EncodedWatchEvent =>
  kind.conversion && event.encoded instanceof CachedObject
    ? { type: event.type, encoded: viewOf(kind, event.encoded) }
    : event
