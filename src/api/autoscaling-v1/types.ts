// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { Kind, NamespacedMeta } from '../kind.ts'
import type { LabelSelector, ListMeta, ObjectMeta, Quantity, Time } from '../meta-v1/types.ts'

export interface ContainerResourceMetricSource {
  readonly container: string
  readonly name: string
  readonly targetAverageUtilization?: number
  readonly targetAverageValue?: Quantity
}

export interface ContainerResourceMetricStatus {
  readonly container: string
  readonly currentAverageUtilization?: number
  readonly currentAverageValue: Quantity
  readonly name: string
}

export interface CrossVersionObjectReference {
  readonly apiVersion?: string
  readonly kind: string
  readonly name: string
}

export interface ExternalMetricSource {
  readonly metricName: string
  readonly metricSelector?: LabelSelector
  readonly targetAverageValue?: Quantity
  readonly targetValue?: Quantity
}

export interface ExternalMetricStatus {
  readonly currentAverageValue?: Quantity
  readonly currentValue: Quantity
  readonly metricName: string
  readonly metricSelector?: LabelSelector
}

export interface HorizontalPodAutoscaler {
  readonly apiVersion: 'autoscaling/v1'
  readonly kind: 'HorizontalPodAutoscaler'
  readonly metadata: NamespacedMeta
  readonly spec: HorizontalPodAutoscalerSpec
  readonly status: HorizontalPodAutoscalerStatus
}

export const HorizontalPodAutoscaler: Kind<HorizontalPodAutoscaler> = { group: 'autoscaling', version: 'v1', apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', plural: 'horizontalpodautoscalers', namespaced: true }

export interface HorizontalPodAutoscalerCondition {
  readonly lastTransitionTime?: Time
  readonly message?: string
  readonly reason?: string
  readonly status: string
  readonly type: string
}

export interface HorizontalPodAutoscalerList {
  readonly apiVersion?: string
  readonly items: readonly HorizontalPodAutoscaler[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface HorizontalPodAutoscalerSpec {
  readonly maxReplicas: number
  readonly minReplicas?: number
  readonly scaleTargetRef: CrossVersionObjectReference
  readonly targetCPUUtilizationPercentage?: number
}

export interface HorizontalPodAutoscalerStatus {
  readonly currentCPUUtilizationPercentage?: number
  readonly currentReplicas: number
  readonly desiredReplicas: number
  readonly lastScaleTime?: Time
  readonly observedGeneration?: number
}

export interface MetricSpec {
  readonly containerResource?: ContainerResourceMetricSource
  readonly external?: ExternalMetricSource
  readonly object?: ObjectMetricSource
  readonly pods?: PodsMetricSource
  readonly resource?: ResourceMetricSource
  readonly type: 'ContainerResource' | 'External' | 'Object' | 'Pods' | 'Resource'
}

export interface MetricStatus {
  readonly containerResource?: ContainerResourceMetricStatus
  readonly external?: ExternalMetricStatus
  readonly object?: ObjectMetricStatus
  readonly pods?: PodsMetricStatus
  readonly resource?: ResourceMetricStatus
  readonly type: 'ContainerResource' | 'External' | 'Object' | 'Pods' | 'Resource'
}

export interface ObjectMetricSource {
  readonly averageValue?: Quantity
  readonly metricName: string
  readonly selector?: LabelSelector
  readonly target: CrossVersionObjectReference
  readonly targetValue: Quantity
}

export interface ObjectMetricStatus {
  readonly averageValue?: Quantity
  readonly currentValue: Quantity
  readonly metricName: string
  readonly selector?: LabelSelector
  readonly target: CrossVersionObjectReference
}

export interface PodsMetricSource {
  readonly metricName: string
  readonly selector?: LabelSelector
  readonly targetAverageValue: Quantity
}

export interface PodsMetricStatus {
  readonly currentAverageValue: Quantity
  readonly metricName: string
  readonly selector?: LabelSelector
}

export interface ResourceMetricSource {
  readonly name: string
  readonly targetAverageUtilization?: number
  readonly targetAverageValue?: Quantity
}

export interface ResourceMetricStatus {
  readonly currentAverageUtilization?: number
  readonly currentAverageValue: Quantity
  readonly name: string
}

export interface Scale {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: ObjectMeta
  readonly spec?: ScaleSpec
  readonly status?: ScaleStatus
}

export interface ScaleSpec {
  readonly replicas?: number
}

export interface ScaleStatus {
  readonly replicas: number
  readonly selector?: string
}
