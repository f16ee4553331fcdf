import type { ObjectMeta } from './meta-v1/types.ts'

/** Metadata as the server stores it: what it fills in on creation is always there. */
export interface StoredMeta extends ObjectMeta {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly creationTimestamp: string
}

/** Metadata of a stored object that lives in a namespace. */
export interface NamespacedMeta extends StoredMeta {
  readonly namespace: string
}

/** What every stored object has, whatever its kind. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: StoredMeta
}

/** Names a kind, on the wire (`group`, `version`, `plural`) and to the compiler (`T`). */
export interface Kind<T extends KubernetesObject = KubernetesObject> {
  readonly group: string
  readonly version: string
  /** `v1` or `apps/v1`, as objects carry it. */
  readonly apiVersion: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  /** Never set. Ties the type to the value. */
  readonly stored?: T
}

/** An object before the server has seen it: without what only the server writes. */
export type Unsaved<T extends KubernetesObject> = Omit<T, 'apiVersion' | 'kind' | 'metadata' | 'status'> & {
  readonly apiVersion?: T['apiVersion']
  readonly kind?: T['kind']
  readonly metadata: ObjectMeta
  readonly status?: T extends { status: infer S } ? S : unknown
}
