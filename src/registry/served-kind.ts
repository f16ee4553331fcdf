import type { JsonObject } from '../machinery/json.ts'
import type { Schema } from '../machinery/schema.ts'
import { notFound, type ResourceName, type StatusError } from '../machinery/status.ts'
import type { WatchCache } from './cache/watch-cache.ts'
import type { KindDifferences } from './kind-definition.ts'
import type { ResourceInfo } from './resource.ts'

/** How a version that is not stored reads and writes the one that is. */
export interface VersionConversion {
  toStored(object: JsonObject): JsonObject
  fromStored(object: JsonObject): JsonObject
}

/** How bodies become objects of this kind: built-in kinds decode, custom ones prune and validate. */
export interface ObjectReader {
  /**
   * Throws `DecodeError` for what cannot be read; reports fields that the schema does not know. Without defaults it
   * tells what the client itself said.
   */
  read(
    body: JsonObject,
    options?: { readonly addsDefaults?: boolean },
  ): { readonly object: JsonObject; readonly unknownFields: readonly string[] }
}

/** One version of one resource, with all that serving it needs. */
export interface ServedKind {
  readonly info: ResourceInfo
  readonly schema: Schema
  readonly differences: KindDifferences
  readonly reader: ObjectReader
  /** Where its objects live in the store: `/apps/statefulsets/`. */
  readonly prefix: string
  readonly cache: WatchCache
  /** Custom resources know no strategic merge. */
  readonly isCustom: boolean
  readonly conversion?: VersionConversion
}

export const apiVersionOf = ({ group, version }: { readonly group: string; readonly version: string }): string =>
  group ? `${group}/${version}` : version

export const resourceNameOf = ({ info }: { readonly info: ResourceInfo }): ResourceName => ({
  group: info.group,
  resource: info.plural,
})

export const noSuchObject = (kind: ServedKind, name: string): StatusError => notFound(resourceNameOf(kind), name)

/** The store's key of an object. */
export const storeKeyOf = (
  { prefix, info }: Pick<ServedKind, 'prefix' | 'info'>,
  { namespace, name }: { readonly namespace?: string | undefined; readonly name: string },
): string => (info.namespaced ? `${prefix}${namespace}/${name}` : `${prefix}${name}`)

export const hasSubresource = ({ info }: ServedKind, name: string): boolean =>
  info.subresources.some(subresource => subresource.name === name)
