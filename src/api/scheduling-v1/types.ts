// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { Kind, StoredMeta } from '../kind.ts'
import type { ListMeta } from '../meta-v1/types.ts'

export interface PriorityClass {
  readonly apiVersion: 'scheduling.k8s.io/v1'
  readonly description?: string
  readonly globalDefault?: boolean
  readonly kind: 'PriorityClass'
  readonly metadata: StoredMeta
  readonly preemptionPolicy?: 'Never' | 'PreemptLowerPriority'
  readonly value?: number
}

export const PriorityClass: Kind<PriorityClass> = { group: 'scheduling.k8s.io', version: 'v1', apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', plural: 'priorityclasses', namespaced: false }

export interface PriorityClassList {
  readonly apiVersion?: string
  readonly items: readonly PriorityClass[]
  readonly kind?: string
  readonly metadata?: ListMeta
}
