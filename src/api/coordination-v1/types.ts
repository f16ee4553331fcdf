// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { Kind, NamespacedMeta } from '../kind.ts'
import type { ListMeta, MicroTime } from '../meta-v1/types.ts'

export interface Lease {
  readonly apiVersion: 'coordination.k8s.io/v1'
  readonly kind: 'Lease'
  readonly metadata: NamespacedMeta
  readonly spec: LeaseSpec
}

export const Lease: Kind<Lease> = { group: 'coordination.k8s.io', version: 'v1', apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases', namespaced: true }

export interface LeaseList {
  readonly apiVersion?: string
  readonly items: readonly Lease[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface LeaseSpec {
  readonly acquireTime?: MicroTime
  readonly holderIdentity?: string
  readonly leaseDurationSeconds?: number
  readonly leaseTransitions?: number
  readonly preferredHolder?: string
  readonly renewTime?: MicroTime
  readonly strategy?: string
}
