import type { HorizontalPodAutoscaler as OldAutoscaler } from '../../api/autoscaling-v1/types.ts'
import { HorizontalPodAutoscaler, type MetricSpec, type MetricStatus } from '../../api/autoscaling-v2/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-error.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { KindDefinition } from '../kind-definition.ts'
import { defineKind } from '../kind-definition.ts'
import type { VersionConversion } from '../served-kind.ts'
import { age, integer, text } from '../tables/columns.ts'

const METRICS = 'autoscaling.alpha.kubernetes.io/metrics'
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics'
const CPU_PERCENT = 80

export const horizontalPodAutoscalers: KindDefinition = {
  version: 'v2',
  ...defineKind(HorizontalPodAutoscaler, {
    defaults({ spec }) {
      if (!spec) return
      spec.minReplicas ??= 1
      if (spec.metrics?.length) return
      const target = { type: 'Utilization', averageUtilization: CPU_PERCENT }
      spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }]
    },
    validate: ({ spec }) => autoscalerErrors(spec),
    columns: [
      text('Reference', ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`),
      text('Targets', ({ spec, status }) => targetsText(spec.metrics ?? [], status?.currentMetrics ?? [])),
      text('MinPods', ({ spec }) => String(spec.minReplicas ?? '<unset>')),
      integer('MaxPods', ({ spec }) => spec.maxReplicas),
      integer('Replicas', ({ status }) => status?.currentReplicas),
      age,
    ],
  }),
}

export const oldHorizontalPodAutoscalers: KindDefinition = {
  group: 'autoscaling',
  plural: 'horizontalpodautoscalers',
  version: 'v1',
  differences: {
    defaults(object) {
      const spec = object.spec as { minReplicas?: number; targetCPUUtilizationPercentage?: number } | undefined
      if (!spec) return
      spec.minReplicas ??= 1
      const annotations = (object.metadata as { annotations?: { [key: string]: string } }).annotations
      if (!annotations?.[METRICS]) spec.targetCPUUtilizationPercentage ??= CPU_PERCENT
    },
    validate: ({ spec }) => autoscalerErrors(spec as unknown as OldAutoscaler['spec']),
    columns: horizontalPodAutoscalers.differences.columns!.map(column => ({
      ...column,
      cell: (object: JsonObject, now: Date) => column.cell(autoscalerConversion.toStored(object), now),
    })),
  },
}

function autoscalerErrors(
  spec: OldAutoscaler['spec'] | HorizontalPodAutoscaler['spec'] | undefined,
): readonly FieldError[] {
  const { minReplicas = 1, maxReplicas = 0, scaleTargetRef } = spec ?? {}
  const errors: FieldError[] = []
  if (minReplicas < 1) errors.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'))
  if (maxReplicas < 1) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'))
  if (maxReplicas < minReplicas) {
    errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  }
  if (!scaleTargetRef?.kind) errors.push(required('spec.scaleTargetRef.kind'))
  if (!scaleTargetRef?.name) errors.push(required('spec.scaleTargetRef.name'))
  return errors
}

function targetsText(metrics: readonly MetricSpec[], current: readonly MetricStatus[]): string {
  const texts = metrics.map((metric, index) => {
    const wanted =
      metric.resource?.target ?? metric.containerResource?.target ?? metric.pods?.target ?? metric.external?.target
    const found =
      current[index]?.resource?.current ?? current[index]?.containerResource?.current ?? current[index]?.pods?.current
    const name = metric.resource?.name ?? metric.containerResource?.name
    const prefix = name ? `${name}: ` : ''
    if (wanted?.averageUtilization !== undefined) {
      return `${prefix}${found?.averageUtilization === undefined ? '<unknown>' : `${found.averageUtilization}%`}/${wanted.averageUtilization}%`
    }
    return `${prefix}${found?.averageValue ?? found?.value ?? '<unknown>'}/${wanted?.averageValue ?? wanted?.value ?? '<auto>'}`
  })
  return texts.join(', ') || '<none>'
}

const isCpuUtilization = ({ type, resource }: MetricSpec): boolean =>
  type === 'Resource' && resource?.name === 'cpu' && resource.target.type === 'Utilization'

/** autoscaling/v1 knows one metric; the others travel in an annotation, as upstream has it. */
export const autoscalerConversion: VersionConversion = {
  toStored(object) {
    const old = object as unknown as OldAutoscaler
    const { targetCPUUtilizationPercentage: percent, ...spec } = old.spec ?? {}
    const { currentCPUUtilizationPercentage: current, ...status } = old.status ?? {}
    const { [METRICS]: metricsText, [CURRENT_METRICS]: currentText, ...annotations } = old.metadata.annotations ?? {}
    const target = { type: 'Utilization', averageUtilization: percent }
    const cpu = percent === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', target } }]
    const metrics = [...cpu, ...listFrom(metricsText)]
    const currentCpu =
      current === undefined
        ? []
        : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: current } } }]
    const currentMetrics = [...currentCpu, ...listFrom(currentText)]
    const { annotations: _, ...metadata } = old.metadata
    return {
      ...object,
      apiVersion: 'autoscaling/v2',
      metadata: { ...metadata, ...(Object.keys(annotations).length > 0 && { annotations }) } as unknown as JsonObject,
      spec: { ...spec, ...(metrics.length > 0 && { metrics }) } as unknown as JsonObject,
      status: { ...status, ...(currentMetrics.length > 0 && { currentMetrics }) } as unknown as JsonObject,
    }
  },
  fromStored(object) {
    const stored = object as unknown as HorizontalPodAutoscaler
    const { metrics = [], behavior: _, ...spec } = stored.spec ?? {}
    const { currentMetrics = [], conditions: __, ...status } = stored.status ?? {}
    const cpu = metrics.find(isCpuUtilization)
    const others = metrics.filter(metric => metric !== cpu)
    const annotations = {
      ...stored.metadata.annotations,
      ...(others.length > 0 && { [METRICS]: JSON.stringify(others) }),
    }
    const percent = cpu?.resource?.target.averageUtilization
    const current = currentMetrics.find(({ resource }) => resource?.name === 'cpu')?.resource?.current
      .averageUtilization
    return {
      ...object,
      apiVersion: 'autoscaling/v1',
      metadata: {
        ...stored.metadata,
        ...(Object.keys(annotations).length > 0 && { annotations }),
      } as unknown as JsonObject,
      spec: {
        ...spec,
        ...(percent !== undefined && { targetCPUUtilizationPercentage: percent }),
      } as unknown as JsonObject,
      status: {
        ...status,
        ...(current !== undefined && { currentCPUUtilizationPercentage: current }),
      } as unknown as JsonObject,
    }
  },
}

function listFrom(text: string | undefined): readonly JsonObject[] {
  if (!text) return []
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? (value as JsonObject[]) : []
  } catch {
    return []
  }
}
