import type { DaemonSet, Deployment, ReplicaSet } from '../../api/apps-v1/types.ts'
import type { PodTemplateSpec, ReplicationController } from '../../api/core-v1/types.ts'
import type { LabelSelector } from '../../api/meta-v1/types.ts'
import { type FieldError, forbidden, invalid, notSupported, required } from '../../machinery/field-error.ts'
import type { IntOrString } from '../../machinery/int-or-string.ts'
import type { JsonValue } from '../../machinery/json.ts'
import { matchesLabels, requirementsOf } from '../../machinery/selectors.ts'
import { sameMeaning } from '../write/same-meaning.ts'
import { IMMUTABLE, isEmptySelector, notNegative, selectorErrors } from './field-rules.ts'
import { podTemplateErrors } from './pod-spec-validation.ts'

const PERCENTAGE =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"

/** A selector that is required, not empty, and chooses the template's own Pods. */
export function workloadSelectorErrors(
  selector: LabelSelector | undefined,
  { template, kind }: { readonly template: PodTemplateSpec | undefined; readonly kind: string },
): readonly FieldError[] {
  if (!selector) return [required('spec.selector')]
  const errors: FieldError[] = [...selectorErrors(selector, 'spec.selector')]
  if (isEmptySelector(selector)) {
    errors.push(invalid('spec.selector', selector, `empty selector is invalid for ${kind}`))
  }
  if (errors.length > 0) return errors
  const labels = template?.metadata?.labels
  if (!matchesLabels(requirementsOf(selector), labels)) {
    return [invalid('spec.template.metadata.labels', labels ?? {}, '`selector` does not match template `labels`')]
  }
  return []
}

/** Pods of workloads are restarted for ever, and have no deadline. */
export function workloadTemplateErrors(template: PodTemplateSpec | undefined, kind: string): readonly FieldError[] {
  const errors: FieldError[] = []
  const { restartPolicy, activeDeadlineSeconds } = template?.spec ?? {}
  if (restartPolicy !== undefined && restartPolicy !== 'Always') {
    errors.push(notSupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']))
  }
  if (activeDeadlineSeconds !== undefined) {
    errors.push(
      forbidden('spec.template.spec.activeDeadlineSeconds', `activeDeadlineSeconds in ${kind} is not Supported`),
    )
  }
  return errors
}

/** A count or a percentage of at most 100. */
export function countOrPercentErrors(value: IntOrString | undefined, path: string): readonly FieldError[] {
  const errors = countOrAnyPercentErrors(value, path)
  if (errors.length > 0 || typeof value !== 'string') return errors
  return Number(value.slice(0, -1)) > 100 ? [invalid(path, value, 'must not be greater than 100%')] : []
}

/** A count or a percentage: what comes on top may be more than all. */
function countOrAnyPercentErrors(value: IntOrString | undefined, path: string): readonly FieldError[] {
  if (value === undefined) return []
  if (typeof value === 'number') return notNegative(value, path)
  return /^\d+%$/.test(value) ? [] : [invalid(path, value, PERCENTAGE)]
}

export const isZero = (value: IntOrString | undefined): boolean =>
  value === 0 || (typeof value === 'string' && /^0+%$/.test(value))

export function immutable(value: unknown, old: unknown, path: string): readonly FieldError[] {
  return sameMeaning(value as JsonValue, old as JsonValue) ? [] : [invalid(path, value, IMMUTABLE)]
}

export function deploymentErrors({ spec }: Deployment): readonly FieldError[] {
  const { strategy } = spec
  const errors: FieldError[] = [
    ...notNegative(spec.replicas, 'spec.replicas'),
    ...workloadSelectorErrors(spec.selector, { template: spec.template, kind: 'deployment' }),
    ...workloadTemplateErrors(spec.template, 'Deployment'),
    ...podTemplateErrors(spec.template, 'spec.template'),
    ...notNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...notNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    ...notNegative(spec.progressDeadlineSeconds, 'spec.progressDeadlineSeconds'),
  ]
  if (spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0)) {
    errors.push(
      invalid('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds, 'must be greater than minReadySeconds'),
    )
  }
  const rolling = strategy?.rollingUpdate
  const path = 'spec.strategy.rollingUpdate'
  if (strategy?.type === 'Recreate' && rolling) {
    errors.push(forbidden(path, "may not be specified when strategy `type` is 'Recreate'"))
  }
  if (strategy?.type !== 'RollingUpdate' || !rolling) return errors
  errors.push(
    ...countOrPercentErrors(rolling.maxUnavailable, `${path}.maxUnavailable`),
    ...countOrAnyPercentErrors(rolling.maxSurge, `${path}.maxSurge`),
  )
  if (isZero(rolling.maxUnavailable) && isZero(rolling.maxSurge)) {
    errors.push(invalid(`${path}.maxUnavailable`, rolling.maxUnavailable, 'may not be 0 when `maxSurge` is 0'))
  }
  return errors
}

export const deploymentUpdateErrors = ({ spec }: Deployment, old: Deployment): readonly FieldError[] =>
  immutable(spec.selector, old.spec.selector, 'spec.selector')

/** Counters that could not be true are refused, whoever writes them. */
export function deploymentStatusErrors({ status }: Deployment, old: Deployment): readonly FieldError[] {
  const counters = ['replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'unavailableReplicas'] as const
  return [
    ...counters.flatMap(field => notNegative(status?.[field], `status.${field}`)),
    ...notNegative(status?.observedGeneration, 'status.observedGeneration'),
    ...partsOfReplicas(status ?? {}, ['updatedReplicas', 'readyReplicas', 'availableReplicas']),
    ...collisionErrors(status?.collisionCount, old.status?.collisionCount),
  ]
}

export function replicaSetStatusErrors({ status }: ReplicaSet | ReplicationController): readonly FieldError[] {
  const parts = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const
  return [
    ...(['replicas', ...parts, 'observedGeneration'] as const).flatMap(field =>
      notNegative(status?.[field], `status.${field}`),
    ),
    ...partsOfReplicas(status ?? {}, parts),
  ]
}

export function daemonSetStatusErrors({ status }: DaemonSet, old: DaemonSet): readonly FieldError[] {
  const counters = [
    'currentNumberScheduled',
    'numberMisscheduled',
    'desiredNumberScheduled',
    'numberReady',
    'observedGeneration',
    'updatedNumberScheduled',
    'numberAvailable',
    'numberUnavailable',
  ] as const
  return [
    ...counters.flatMap(field => notNegative(status?.[field], `status.${field}`)),
    ...collisionErrors(status?.collisionCount, old.status?.collisionCount),
  ]
}

type Counters = { readonly [counter: string]: unknown }

function partsOfReplicas(status: object, fields: readonly string[]): readonly FieldError[] {
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status as { readonly [counter: string]: number }
  const errors: FieldError[] = fields.flatMap(field => {
    const value = Number((status as Counters)[field] ?? 0)
    return value > replicas ? [invalid(`status.${field}`, value, 'cannot be greater than status.replicas')] : []
  })
  if (availableReplicas > readyReplicas) {
    errors.push(invalid('status.availableReplicas', availableReplicas, 'cannot be greater than readyReplicas'))
  }
  return errors
}

/** It says which names were taken: going back would try them again. */
function collisionErrors(count: number | undefined, before: number | undefined): readonly FieldError[] {
  if (before === undefined || (count !== undefined && count >= before)) {
    return notNegative(count, 'status.collisionCount')
  }
  return [invalid('status.collisionCount', count ?? null, 'cannot be decremented')]
}

export const replicaSetErrors = ({ spec }: ReplicaSet): readonly FieldError[] => [
  ...notNegative(spec.replicas, 'spec.replicas'),
  ...notNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
  ...workloadSelectorErrors(spec.selector, { template: spec.template, kind: 'replicaset' }),
  ...workloadTemplateErrors(spec.template, 'ReplicaSet'),
  ...podTemplateErrors(spec.template, 'spec.template'),
]

export function replicationControllerErrors({ spec }: ReplicationController): readonly FieldError[] {
  const { selector = {}, template, replicas, minReadySeconds } = spec ?? {}
  const errors: FieldError[] = [
    ...notNegative(replicas, 'spec.replicas'),
    ...notNegative(minReadySeconds, 'spec.minReadySeconds'),
  ]
  if (Object.keys(selector).length === 0) errors.push(required('spec.selector'))
  if (!template) return [...errors, required('spec.template')]
  const labels = template.metadata?.labels
  if (!matchesLabels(requirementsOf({ matchLabels: selector }), labels)) {
    errors.push(invalid('spec.template.metadata.labels', labels ?? {}, '`selector` does not match template `labels`'))
  }
  return [
    ...errors,
    ...workloadTemplateErrors(template, 'ReplicationController'),
    ...podTemplateErrors(template, 'spec.template'),
  ]
}

export const replicaSetUpdateErrors = ({ spec }: ReplicaSet, old: ReplicaSet): readonly FieldError[] =>
  immutable(spec.selector, old.spec.selector, 'spec.selector')

export function daemonSetErrors({ spec }: DaemonSet): readonly FieldError[] {
  const errors: FieldError[] = [
    ...workloadSelectorErrors(spec.selector, { template: spec.template, kind: 'daemonset' }),
    ...workloadTemplateErrors(spec.template, 'DaemonSet'),
    ...podTemplateErrors(spec.template, 'spec.template'),
    ...notNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...notNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
  ]
  const rolling = spec.updateStrategy?.rollingUpdate
  if (spec.updateStrategy?.type !== 'RollingUpdate') return errors
  if (!rolling) return [...errors, required('spec.updateStrategy.rollingUpdate')]
  const path = 'spec.updateStrategy.rollingUpdate'
  errors.push(
    ...countOrPercentErrors(rolling.maxUnavailable, `${path}.maxUnavailable`),
    ...countOrPercentErrors(rolling.maxSurge, `${path}.maxSurge`),
  )
  const neither = isZero(rolling.maxUnavailable) && isZero(rolling.maxSurge)
  if (neither) errors.push(required(`${path}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'))
  if (!isZero(rolling.maxUnavailable) && !isZero(rolling.maxSurge ?? 0)) {
    errors.push(invalid(`${path}.maxSurge`, rolling.maxSurge, 'may not be set when maxUnavailable is non-zero'))
  }
  return errors
}

export const daemonSetUpdateErrors = ({ spec }: DaemonSet, old: DaemonSet): readonly FieldError[] =>
  immutable(spec.selector, old.spec.selector, 'spec.selector')
