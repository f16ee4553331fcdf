import resources from '../../data/kubernetes-resources.json' with { type: 'json' }
import schemas from '../../data/kubernetes-schemas.json' with { type: 'json' }
import type { JsonObject } from './json.ts'

/** One line of `data/kubernetes-resources.json`: what discovery tells of a built-in resource. */
export interface ResourceRow {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly subresources: readonly string[]
  /** Name of its schema. */
  readonly schema: string
}

/** Every built-in resource, in the order of the interface data. */
export const kubernetesResources: readonly ResourceRow[] = resources

/** The OpenAPI schemas of all built-in types, by name. */
export const kubernetesSchemas = schemas as unknown as { readonly [name: string]: JsonObject }
