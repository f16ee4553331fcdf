import { ReplicaSet, type ReplicaSetCondition, type ReplicaSetStatus } from '../../api/apps-v1/types.ts'
import { type PodTemplateSpec, ReplicationController } from '../../api/core-v1/types.ts'
import type { Kind, NamespacedMeta } from '../../api/kind.ts'
import { type Requirements, requirementsOf } from '../../machinery/selectors.ts'

/** What ReplicaSet and ReplicationController have in common, which is all but their selector. */
export interface ReplicaOwner {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: NamespacedMeta
  readonly spec: {
    readonly replicas?: number
    readonly minReadySeconds?: number
    readonly template?: PodTemplateSpec
  }
  readonly status: ReplicaSetStatus
}

export interface ReplicaOwnerKind<T extends ReplicaOwner = ReplicaOwner> {
  readonly kind: Kind<T>
  readonly selectorOf: (owner: T) => Requirements | undefined
}

export type { ReplicaSetCondition, ReplicaSetStatus }

export const replicaSets: ReplicaOwnerKind<ReplicaSet> = {
  kind: ReplicaSet,
  selectorOf: ({ spec }) => requirementsOf(spec.selector),
}

export const replicationControllers: ReplicaOwnerKind<ReplicationController> = {
  kind: ReplicationController,
  selectorOf: ({ spec }) => (spec.selector ? requirementsOf({ matchLabels: spec.selector }) : undefined),
}
