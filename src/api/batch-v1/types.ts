// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { ObjectReference, PodTemplateSpec } from '../core-v1/types.ts'
import type { Kind, NamespacedMeta } from '../kind.ts'
import type { LabelSelector, ListMeta, ObjectMeta, Time } from '../meta-v1/types.ts'

export interface CronJob {
  readonly apiVersion: 'batch/v1'
  readonly kind: 'CronJob'
  readonly metadata: NamespacedMeta
  readonly spec: CronJobSpec
  readonly status: CronJobStatus
}

export const CronJob: Kind<CronJob> = { group: 'batch', version: 'v1', apiVersion: 'batch/v1', kind: 'CronJob', plural: 'cronjobs', namespaced: true }

export interface CronJobList {
  readonly apiVersion?: string
  readonly items: readonly CronJob[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface CronJobSpec {
  readonly concurrencyPolicy?: 'Allow' | 'Forbid' | 'Replace'
  readonly failedJobsHistoryLimit?: number
  readonly jobTemplate: JobTemplateSpec
  readonly schedule: string
  readonly startingDeadlineSeconds?: number
  readonly successfulJobsHistoryLimit?: number
  readonly suspend?: boolean
  readonly timeZone?: string
}

export interface CronJobStatus {
  readonly active?: readonly ObjectReference[]
  readonly lastScheduleTime?: Time
  readonly lastSuccessfulTime?: Time
}

export interface Job {
  readonly apiVersion: 'batch/v1'
  readonly kind: 'Job'
  readonly metadata: NamespacedMeta
  readonly spec: JobSpec
  readonly status: JobStatus
}

export const Job: Kind<Job> = { group: 'batch', version: 'v1', apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs', namespaced: true }

export interface JobCondition {
  readonly lastProbeTime?: Time
  readonly lastTransitionTime?: Time
  readonly message?: string
  readonly reason?: string
  readonly status: string
  readonly type: string
}

export interface JobList {
  readonly apiVersion?: string
  readonly items: readonly Job[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface JobSpec {
  readonly activeDeadlineSeconds?: number
  readonly backoffLimit?: number
  readonly backoffLimitPerIndex?: number
  readonly completionMode?: 'Indexed' | 'NonIndexed'
  readonly completions?: number
  readonly managedBy?: string
  readonly manualSelector?: boolean
  readonly maxFailedIndexes?: number
  readonly parallelism?: number
  readonly podFailurePolicy?: PodFailurePolicy
  readonly podReplacementPolicy?: 'Failed' | 'TerminatingOrFailed'
  readonly selector?: LabelSelector
  readonly successPolicy?: SuccessPolicy
  readonly suspend?: boolean
  readonly template: PodTemplateSpec
  readonly ttlSecondsAfterFinished?: number
}

export interface JobStatus {
  readonly active?: number
  readonly completedIndexes?: string
  readonly completionTime?: Time
  readonly conditions?: readonly JobCondition[]
  readonly failed?: number
  readonly failedIndexes?: string
  readonly ready?: number
  readonly startTime?: Time
  readonly succeeded?: number
  readonly terminating?: number
  readonly uncountedTerminatedPods?: UncountedTerminatedPods
}

export interface JobTemplateSpec {
  readonly metadata?: ObjectMeta
  readonly spec?: JobSpec
}

export interface PodFailurePolicy {
  readonly rules: readonly PodFailurePolicyRule[]
}

export interface PodFailurePolicyOnExitCodesRequirement {
  readonly containerName?: string
  readonly operator: 'In' | 'NotIn'
  readonly values: readonly number[]
}

export interface PodFailurePolicyOnPodConditionsPattern {
  readonly status?: string
  readonly type: string
}

export interface PodFailurePolicyRule {
  readonly action: 'Count' | 'FailIndex' | 'FailJob' | 'Ignore'
  readonly onExitCodes?: PodFailurePolicyOnExitCodesRequirement
  readonly onPodConditions?: readonly PodFailurePolicyOnPodConditionsPattern[]
}

export interface SuccessPolicy {
  readonly rules: readonly SuccessPolicyRule[]
}

export interface SuccessPolicyRule {
  readonly succeededCount?: number
  readonly succeededIndexes?: string
}

export interface UncountedTerminatedPods {
  readonly failed?: readonly string[]
  readonly succeeded?: readonly string[]
}
