// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { Kind, NamespacedMeta } from '../kind.ts'
import type { Condition, DeleteOptions, IntOrString, LabelSelector, ListMeta, ObjectMeta, Time } from '../meta-v1/types.ts'

export interface Eviction {
  readonly apiVersion?: string
  readonly deleteOptions?: DeleteOptions
  readonly kind?: string
  readonly metadata?: ObjectMeta
}

export interface PodDisruptionBudget {
  readonly apiVersion: 'policy/v1'
  readonly kind: 'PodDisruptionBudget'
  readonly metadata: NamespacedMeta
  readonly spec: PodDisruptionBudgetSpec
  readonly status: PodDisruptionBudgetStatus
}

export const PodDisruptionBudget: Kind<PodDisruptionBudget> = { group: 'policy', version: 'v1', apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets', namespaced: true }

export interface PodDisruptionBudgetList {
  readonly apiVersion?: string
  readonly items: readonly PodDisruptionBudget[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface PodDisruptionBudgetSpec {
  readonly maxUnavailable?: IntOrString
  readonly minAvailable?: IntOrString
  readonly selector?: LabelSelector
  readonly unhealthyPodEvictionPolicy?: 'AlwaysAllow' | 'IfHealthyBudget'
}

export interface PodDisruptionBudgetStatus {
  readonly conditions?: readonly Condition[]
  readonly currentHealthy?: number
  readonly desiredHealthy?: number
  readonly disruptedPods?: { readonly [key: string]: Time }
  readonly disruptionsAllowed?: number
  readonly expectedPods?: number
  readonly observedGeneration?: number
}
