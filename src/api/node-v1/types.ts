// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { Toleration } from '../core-v1/types.ts'
import type { Kind, StoredMeta } from '../kind.ts'
import type { ListMeta, Quantity } from '../meta-v1/types.ts'

export interface Overhead {
  readonly podFixed?: { readonly [key: string]: Quantity }
}

export interface RuntimeClass {
  readonly apiVersion: 'node.k8s.io/v1'
  readonly handler: string
  readonly kind: 'RuntimeClass'
  readonly metadata: StoredMeta
  readonly overhead?: Overhead
  readonly scheduling?: Scheduling
}

export const RuntimeClass: Kind<RuntimeClass> = { group: 'node.k8s.io', version: 'v1', apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', plural: 'runtimeclasses', namespaced: false }

export interface RuntimeClassList {
  readonly apiVersion?: string
  readonly items: readonly RuntimeClass[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface Scheduling {
  readonly nodeSelector?: { readonly [key: string]: string }
  readonly tolerations?: readonly Toleration[]
}
