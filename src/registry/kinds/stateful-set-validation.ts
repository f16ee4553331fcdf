import type { StatefulSet, StatefulSetSpec } from '../../api/apps-v1/types.ts'
import type { PersistentVolumeClaim, PodTemplateSpec, Volume } from '../../api/core-v1/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-error.ts'
import { dnsLabelProblems } from '../../machinery/names.ts'
import type { RuleContext } from '../kind-definition.ts'
import { notNegative, wellFormed } from './field-rules.ts'
import { claimSpecErrors } from './persistent-volume-validation.ts'
import { podTemplateErrors } from './pod-spec-validation.ts'
import { podTemplateWarnings } from './pod-warnings.ts'
import {
  countOrPercentErrors,
  immutable,
  isZero,
  workloadSelectorErrors,
  workloadTemplateErrors,
} from './workload-validation.ts'

/** The rules of a StatefulSet that hold on every write. */
export function statefulSetErrors({ spec }: StatefulSet): readonly FieldError[] {
  return [
    ...podManagementErrors(spec),
    ...retentionErrors(spec),
    ...notNegative(spec.replicas, 'spec.replicas'),
    ...notNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...notNegative(spec.ordinals?.start, 'spec.ordinals.start'),
    ...workloadSelectorErrors(spec.selector, { template: spec.template, kind: 'statefulset' }),
    ...workloadTemplateErrors(spec.template, 'StatefulSet'),
  ]
}

/** Rules of new sets only, so that old ones can still be scaled and finished. */
export function statefulSetCreateErrors({ spec }: StatefulSet, rules: RuleContext): readonly FieldError[] {
  return [
    ...updateStrategyErrors(spec, { mayRecreate: rules.isEnabled(RECREATE) }),
    ...(spec.serviceName ? wellFormed(spec.serviceName, { path: 'spec.serviceName', problems: dnsLabelProblems }) : []),
    ...podTemplateErrors(templateWithClaims(spec), 'spec.template'),
    ...claimTemplates(spec).flatMap((claim, index) =>
      claimSpecErrors(claim.spec, `spec.volumeClaimTemplates[${index}].spec`),
    ),
  ]
}

/** One error for each field that may not change, by its name. */
export function statefulSetUpdateErrors(
  set: StatefulSet,
  old: StatefulSet,
  { isEnabled }: RuleContext,
): readonly FieldError[] {
  const { spec } = set
  // A set that was stored while the gate was on stays changeable.
  const mayRecreate = isEnabled(RECREATE) || typeOf(old.spec) === 'Recreate'
  const fixed = (['selector', 'serviceName', 'podManagementPolicy', 'volumeClaimTemplates'] as const).flatMap(field =>
    immutable(withoutStatus(spec[field]), withoutStatus(old.spec[field]), `spec.${field}`),
  )
  const errors = [...updateStrategyErrors(spec, { mayRecreate }), ...fixed]
  // What was stored under older rules stays changeable.
  const wasValid = podTemplateErrors(templateWithClaims(old.spec), 'spec.template').length === 0
  return wasValid ? [...errors, ...podTemplateErrors(templateWithClaims(spec), 'spec.template')] : errors
}

/** Claim templates are compared by what they ask for. */
const withoutStatus = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(({ status: _, ...claim }: { status?: unknown }) => claim) : value || undefined

const claimTemplates = ({ volumeClaimTemplates = [] }: StatefulSetSpec): readonly PersistentVolumeClaim[] =>
  volumeClaimTemplates as unknown as readonly PersistentVolumeClaim[]

/**
 * The template as its Pods will be: each claim template is a volume of its name, and the names that the controller
 * writes are blank.
 */
function templateWithClaims(spec: StatefulSetSpec): PodTemplateSpec {
  const { template } = spec
  const claims = claimTemplates(spec).map(
    ({ metadata }): Volume => ({
      name: metadata?.name ?? '',
      persistentVolumeClaim: { claimName: metadata?.name ?? 'claim' },
    }),
  )
  const names = new Set(claims.map(({ name }) => name))
  const own = (template?.spec?.volumes ?? []).filter(({ name }) => !names.has(name))
  const { hostname: _, subdomain: __, ...pod } = template?.spec ?? { containers: [] }
  return { ...template, spec: { ...pod, volumes: [...claims, ...own] } }
}

function podManagementErrors({ podManagementPolicy: policy }: StatefulSetSpec): readonly FieldError[] {
  if (!policy) return [required('spec.podManagementPolicy')]
  if (policy === 'OrderedReady' || policy === 'Parallel') return []
  return [invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'")]
}

const RECREATE = 'StatefulSetRecreateStrategy'

/** As text: the types are those of 1.36, which does not know `Recreate`. */
const typeOf = ({ updateStrategy }: StatefulSetSpec): string | undefined => updateStrategy?.type

function updateStrategyErrors(
  spec: StatefulSetSpec,
  { mayRecreate }: { readonly mayRecreate: boolean },
): readonly FieldError[] {
  const path = 'spec.updateStrategy'
  const { updateStrategy } = spec
  const type = typeOf(spec)
  const rolling = updateStrategy?.rollingUpdate
  if (!type) return [required(path)]
  if (type === 'OnDelete' || (type === 'Recreate' && mayRecreate)) {
    if (!rolling) return []
    return [invalid(`${path}.rollingUpdate`, rolling, "only allowed for updateStrategy 'RollingUpdate'")]
  }
  if (type !== 'RollingUpdate') {
    const allowed = mayRecreate ? "'RollingUpdate', 'OnDelete' or 'Recreate'" : "'RollingUpdate' or 'OnDelete'"
    return [invalid(path, updateStrategy, `must be ${allowed}`)]
  }
  const errors = [
    ...notNegative(rolling?.partition, `${path}.rollingUpdate.partition`),
    ...countOrPercentErrors(rolling?.maxUnavailable, `${path}.rollingUpdate.maxUnavailable`),
  ]
  if (isZero(rolling?.maxUnavailable)) {
    errors.push(invalid(`${path}.rollingUpdate.maxUnavailable`, rolling?.maxUnavailable, 'cannot be 0'))
  }
  return errors
}

function retentionErrors({ persistentVolumeClaimRetentionPolicy: policy }: StatefulSetSpec): readonly FieldError[] {
  return (['whenDeleted', 'whenScaled'] as const).flatMap(field => {
    const value = policy?.[field]
    if (value === undefined || value === 'Retain' || value === 'Delete') return []
    return [notSupported(`spec.persistentVolumeClaimRetentionPolicy.${field}`, value, ['Retain', 'Delete'])]
  })
}

const COUNTERS = [
  'replicas',
  'readyReplicas',
  'currentReplicas',
  'updatedReplicas',
  'availableReplicas',
  'observedGeneration',
  'collisionCount',
] as const

/** Counters that could not be true are refused, whoever writes them. */
export function statefulSetStatusErrors({ status }: StatefulSet, old: StatefulSet): readonly FieldError[] {
  const errors: FieldError[] = COUNTERS.flatMap(field => notNegative(status?.[field], `status.${field}`))
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status ?? {}
  for (const field of ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const) {
    const value = status?.[field] ?? 0
    if (value > replicas) errors.push(invalid(`status.${field}`, value, 'cannot be greater than status.replicas'))
  }
  if (availableReplicas > readyReplicas) {
    errors.push(invalid('status.availableReplicas', availableReplicas, 'cannot be greater than status.readyReplicas'))
  }
  const { collisionCount } = status ?? {}
  if ((old.status?.collisionCount ?? 0) > (collisionCount ?? 0)) {
    errors.push(invalid('status.collisionCount', collisionCount ?? null, 'cannot be decremented'))
  }
  return errors
}

/** On update only when the set itself changed, so that old advice is not given again and again. */
export function statefulSetWarnings({ spec, metadata }: StatefulSet, old?: StatefulSet): readonly string[] {
  const history =
    (spec.revisionHistoryLimit ?? 0) < 0
      ? ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended']
      : []
  const isChanged = metadata.generation !== old?.metadata.generation
  return isChanged ? [...podTemplateWarnings(spec.template), ...history] : history
}
