// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { PersistentVolumeClaim, PodTemplateSpec } from '../core-v1/types.ts'
import type { Kind, NamespacedMeta, Unsaved } from '../kind.ts'
import type { IntOrString, LabelSelector, ListMeta, RawExtension, Time } from '../meta-v1/types.ts'

export interface ControllerRevision {
  readonly apiVersion: 'apps/v1'
  readonly data?: RawExtension
  readonly kind: 'ControllerRevision'
  readonly metadata: NamespacedMeta
  readonly revision: number
}

export const ControllerRevision: Kind<ControllerRevision> = { group: 'apps', version: 'v1', apiVersion: 'apps/v1', kind: 'ControllerRevision', plural: 'controllerrevisions', namespaced: true }

export interface ControllerRevisionList {
  readonly apiVersion?: string
  readonly items: readonly ControllerRevision[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface DaemonSet {
  readonly apiVersion: 'apps/v1'
  readonly kind: 'DaemonSet'
  readonly metadata: NamespacedMeta
  readonly spec: DaemonSetSpec
  readonly status: DaemonSetStatus
}

export const DaemonSet: Kind<DaemonSet> = { group: 'apps', version: 'v1', apiVersion: 'apps/v1', kind: 'DaemonSet', plural: 'daemonsets', namespaced: true }

export interface DaemonSetCondition {
  readonly lastTransitionTime?: Time
  readonly message?: string
  readonly reason?: string
  readonly status: string
  readonly type: string
}

export interface DaemonSetList {
  readonly apiVersion?: string
  readonly items: readonly DaemonSet[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface DaemonSetSpec {
  readonly minReadySeconds?: number
  readonly revisionHistoryLimit?: number
  readonly selector: LabelSelector
  readonly template: PodTemplateSpec
  readonly updateStrategy?: DaemonSetUpdateStrategy
}

export interface DaemonSetStatus {
  readonly collisionCount?: number
  readonly conditions?: readonly DaemonSetCondition[]
  readonly currentNumberScheduled: number
  readonly desiredNumberScheduled: number
  readonly numberAvailable?: number
  readonly numberMisscheduled: number
  readonly numberReady: number
  readonly numberUnavailable?: number
  readonly observedGeneration?: number
  readonly updatedNumberScheduled?: number
}

export interface DaemonSetUpdateStrategy {
  readonly rollingUpdate?: RollingUpdateDaemonSet
  readonly type?: 'OnDelete' | 'RollingUpdate'
}

export interface Deployment {
  readonly apiVersion: 'apps/v1'
  readonly kind: 'Deployment'
  readonly metadata: NamespacedMeta
  readonly spec: DeploymentSpec
  readonly status: DeploymentStatus
}

export const Deployment: Kind<Deployment> = { group: 'apps', version: 'v1', apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', namespaced: true }

export interface DeploymentCondition {
  readonly lastTransitionTime?: Time
  readonly lastUpdateTime?: Time
  readonly message?: string
  readonly reason?: string
  readonly status: string
  readonly type: string
}

export interface DeploymentList {
  readonly apiVersion?: string
  readonly items: readonly Deployment[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface DeploymentSpec {
  readonly minReadySeconds?: number
  readonly paused?: boolean
  readonly progressDeadlineSeconds?: number
  readonly replicas?: number
  readonly revisionHistoryLimit?: number
  readonly selector: LabelSelector
  readonly strategy?: DeploymentStrategy
  readonly template: PodTemplateSpec
}

export interface DeploymentStatus {
  readonly availableReplicas?: number
  readonly collisionCount?: number
  readonly conditions?: readonly DeploymentCondition[]
  readonly observedGeneration?: number
  readonly readyReplicas?: number
  readonly replicas?: number
  readonly terminatingReplicas?: number
  readonly unavailableReplicas?: number
  readonly updatedReplicas?: number
}

export interface DeploymentStrategy {
  readonly rollingUpdate?: RollingUpdateDeployment
  readonly type?: 'Recreate' | 'RollingUpdate'
}

export interface ReplicaSet {
  readonly apiVersion: 'apps/v1'
  readonly kind: 'ReplicaSet'
  readonly metadata: NamespacedMeta
  readonly spec: ReplicaSetSpec
  readonly status: ReplicaSetStatus
}

export const ReplicaSet: Kind<ReplicaSet> = { group: 'apps', version: 'v1', apiVersion: 'apps/v1', kind: 'ReplicaSet', plural: 'replicasets', namespaced: true }

export interface ReplicaSetCondition {
  readonly lastTransitionTime?: Time
  readonly message?: string
  readonly reason?: string
  readonly status: string
  readonly type: string
}

export interface ReplicaSetList {
  readonly apiVersion?: string
  readonly items: readonly ReplicaSet[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface ReplicaSetSpec {
  readonly minReadySeconds?: number
  readonly replicas?: number
  readonly selector: LabelSelector
  readonly template?: PodTemplateSpec
}

export interface ReplicaSetStatus {
  readonly availableReplicas?: number
  readonly conditions?: readonly ReplicaSetCondition[]
  readonly fullyLabeledReplicas?: number
  readonly observedGeneration?: number
  readonly readyReplicas?: number
  readonly replicas: number
  readonly terminatingReplicas?: number
}

export interface RollingUpdateDaemonSet {
  readonly maxSurge?: IntOrString
  readonly maxUnavailable?: IntOrString
}

export interface RollingUpdateDeployment {
  readonly maxSurge?: IntOrString
  readonly maxUnavailable?: IntOrString
}

export interface RollingUpdateStatefulSetStrategy {
  readonly maxUnavailable?: IntOrString
  readonly partition?: number
}

export interface StatefulSet {
  readonly apiVersion: 'apps/v1'
  readonly kind: 'StatefulSet'
  readonly metadata: NamespacedMeta
  readonly spec: StatefulSetSpec
  readonly status: StatefulSetStatus
}

export const StatefulSet: Kind<StatefulSet> = { group: 'apps', version: 'v1', apiVersion: 'apps/v1', kind: 'StatefulSet', plural: 'statefulsets', namespaced: true }

export interface StatefulSetCondition {
  readonly lastTransitionTime?: Time
  readonly message?: string
  readonly reason?: string
  readonly status: string
  readonly type: string
}

export interface StatefulSetList {
  readonly apiVersion?: string
  readonly items: readonly StatefulSet[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface StatefulSetOrdinals {
  readonly start?: number
}

export interface StatefulSetPersistentVolumeClaimRetentionPolicy {
  readonly whenDeleted?: string
  readonly whenScaled?: string
}

export interface StatefulSetSpec {
  readonly minReadySeconds?: number
  readonly ordinals?: StatefulSetOrdinals
  readonly persistentVolumeClaimRetentionPolicy?: StatefulSetPersistentVolumeClaimRetentionPolicy
  readonly podManagementPolicy?: 'OrderedReady' | 'Parallel'
  readonly replicas?: number
  readonly revisionHistoryLimit?: number
  readonly selector: LabelSelector
  readonly serviceName?: string
  readonly template: PodTemplateSpec
  readonly updateStrategy?: StatefulSetUpdateStrategy
  readonly volumeClaimTemplates?: readonly Unsaved<PersistentVolumeClaim>[]
}

export interface StatefulSetStatus {
  readonly availableReplicas?: number
  readonly collisionCount?: number
  readonly conditions?: readonly StatefulSetCondition[]
  readonly currentReplicas?: number
  readonly currentRevision?: string
  readonly observedGeneration?: number
  readonly readyReplicas?: number
  readonly replicas: number
  readonly updateRevision?: string
  readonly updatedReplicas?: number
}

export interface StatefulSetUpdateStrategy {
  readonly rollingUpdate?: RollingUpdateStatefulSetStrategy
  readonly type?: 'OnDelete' | 'RollingUpdate'
}
