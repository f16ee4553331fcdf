// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { GroupVersionKind, ListMeta, ObjectMeta } from '../meta-v1/types.ts'

export interface APIGroupDiscovery {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: ObjectMeta
  readonly versions?: readonly APIVersionDiscovery[]
}

export interface APIGroupDiscoveryList {
  readonly apiVersion?: string
  readonly items: readonly APIGroupDiscovery[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface APIResourceDiscovery {
  readonly categories?: readonly string[]
  readonly resource: string
  readonly responseKind?: GroupVersionKind
  readonly scope: string
  readonly shortNames?: readonly string[]
  readonly singularResource: string
  readonly subresources?: readonly APISubresourceDiscovery[]
  readonly verbs: readonly string[]
}

export interface APISubresourceDiscovery {
  readonly acceptedTypes?: readonly GroupVersionKind[]
  readonly responseKind?: GroupVersionKind
  readonly subresource: string
  readonly verbs: readonly string[]
}

export interface APIVersionDiscovery {
  readonly freshness?: string
  readonly resources?: readonly APIResourceDiscovery[]
  readonly version: string
}
