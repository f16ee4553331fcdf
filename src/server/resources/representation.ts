import type { JsonObject } from '../../machinery/json.ts'
import { badRequest } from '../../machinery/status.ts'
import type { Encoded, EncodedList, Resource } from '../../registry/resource.ts'
import type { Accepted } from '../http/accept.ts'
import { encoders } from '../http/reply.ts'

const META_VERSION = 'meta.k8s.io/v1'

/** What a client asked to see of objects, and how the resource draws them. */
export interface View {
  readonly accepted: Accepted
  readonly resource: Resource
  readonly includeObject: IncludeObject
  readonly now: Date
}

export type IncludeObject = 'None' | 'Metadata' | 'Object'

export function includeObjectOf(text: string | null): IncludeObject {
  if (text === null || text === '') return 'Metadata'
  if (text === 'None' || text === 'Metadata' || text === 'Object') return text
  throw badRequest(`the query parameter "includeObject" must be None, Metadata or Object, not "${text}"`)
}

const isStatus = (object: JsonObject): boolean => object.kind === 'Status' && object.apiVersion === 'v1'

/** One object, in the shape and encoding that was asked for. A Status has only its own shape. */
export function objectBytes(encoded: Encoded, view: View): Uint8Array {
  const encoder = encoders[view.accepted.mediaType]
  if (view.accepted.shape === 'Object' || isStatus(encoded.object)) return encoder.fromJson(encoded.json())
  return encoder.encode(shapedObject(encoded.object, view))
}

function shapedObject(object: JsonObject, view: View): unknown {
  if (view.accepted.shape !== 'Table') return partialMetadata(object)
  return tableOf([object], view, { resourceVersion: metadataOf(object)?.resourceVersion })
}

const metadataOf = (object: JsonObject): JsonObject | undefined => object.metadata as JsonObject | undefined

const partialMetadata = (object: JsonObject): JsonObject => ({
  kind: 'PartialObjectMetadata',
  apiVersion: META_VERSION,
  metadata: object.metadata ?? {},
})

function tableOf(objects: readonly JsonObject[], view: View, metadata: object): object {
  const { columnDefinitions, rows } = view.resource.table(objects, view.now)
  return {
    kind: 'Table',
    apiVersion: META_VERSION,
    metadata,
    columnDefinitions,
    rows: rows.map(({ cells, object }) => ({ cells, ...rowObject(object, view) })),
  }
}

function rowObject(object: JsonObject, { includeObject }: View): object {
  switch (includeObject) {
    case 'None':
      return {}
    case 'Metadata':
      return { object: partialMetadata(object) }
    case 'Object':
      return { object }
  }
}

/** A list of objects, put together from the bytes that each of them already has. */
export function listBytes(list: EncodedList, view: View): Uint8Array {
  const { accepted } = view
  const encoder = encoders[accepted.mediaType]
  const metadata = listMetadata(list)
  if (accepted.shape === 'Table') {
    return encoder.encode(tableOf(list.items.map(({ object }) => object), view, metadata)) // biome-ignore format: one idea
  }
  if (accepted.shape !== 'Object') {
    const items = list.items.map(({ object }) => partialMetadata(object))
    return encoder.encode({ kind: 'PartialObjectMetadataList', apiVersion: META_VERSION, metadata, items })
  }
  const { group, version, kind } = view.resource.info
  const head = { kind: `${kind}List`, apiVersion: group ? `${group}/${version}` : version, metadata }
  return encoder.fromJson(joinedList(head, list.items))
}

export const listMetadata = ({ resourceVersion, continue: token, remainingItemCount }: EncodedList): JsonObject => ({
  resourceVersion,
  ...(token && { continue: token }),
  ...(remainingItemCount !== undefined && { remainingItemCount }),
})

const COMMA = 44

function joinedList(head: object, items: readonly Encoded[]): Uint8Array {
  const start = Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)
  const parts = items.map(item => item.json())
  let length = start.length + 2 + Math.max(0, parts.length - 1)
  for (const part of parts) length += part.length
  const bytes = Buffer.allocUnsafe(length)
  bytes.set(start)
  let at = start.length
  for (const [index, part] of parts.entries()) {
    if (index > 0) bytes[at++] = COMMA
    bytes.set(part, at)
    at += part.length
  }
  bytes.write(']}', at)
  return bytes
}

/** The bytes of one watch event's object. Only the first Table of a watch names its columns, as upstream has it. */
export class WatchShaper {
  readonly #view: View
  readonly #now: () => Date
  #sentColumns = false

  constructor(view: View, now: () => Date) {
    this.#view = view
    this.#now = now
  }

  bytesOf({ object }: Encoded, isBookmark: boolean): Uint8Array {
    const view = { ...this.#view, now: this.#now() }
    if (view.accepted.shape !== 'Table') return encoders['application/json'].encode(shapedObject(object, view))
    const metadata = { resourceVersion: metadataOf(object)?.resourceVersion }
    const table = tableOf(isBookmark ? [] : [object], view, metadata) as { columnDefinitions?: unknown }
    if (this.#sentColumns || isBookmark) delete table.columnDefinitions
    else this.#sentColumns = true
    const shown = isBookmark
      ? { ...table, columnDefinitions: [], rows: [{ cells: [], object: partialMetadata(object) }] }
      : table
    return encoders['application/json'].encode(shown)
  }
}
