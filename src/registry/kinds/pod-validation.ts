import type { Pod, PodSpec } from '../../api/core-v1/types.ts'
import { type FieldError, forbidden } from '../../machinery/field-error.ts'
import type { JsonValue } from '../../machinery/json.ts'
import type { RuleContext } from '../kind-definition.ts'
import { sameMeaning } from '../write/same-meaning.ts'
import { podSpecErrors } from './pod-spec-validation.ts'

/** The rules of a Pod. */
export const podErrors = ({ spec }: Pod): readonly FieldError[] => podSpecErrors(spec ?? ({} as PodSpec), 'spec')

const MUTABLE =
  '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` ' +
  '(only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was ' +
  'previously negative)'

/** A Pod that exists changes in few ways: images, deadlines, more tolerations, what gates its scheduling. */
export function podUpdateErrors(pod: Pod, old: Pod, { subresource }: RuleContext): readonly FieldError[] {
  const errors: FieldError[] = []
  const added = (pod.spec.schedulingGates ?? []).filter(
    ({ name }) => !old.spec.schedulingGates?.some(gate => gate.name === name),
  )
  if (added.length > 0) {
    errors.push(
      forbidden('spec.schedulingGates', `only deletion is allowed, but found new scheduling gate '${added[0]!.name}'`),
    )
  }
  if (!hasOnlyMoreTolerations(pod, old)) {
    errors.push(forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'))
  }
  if (!sameMeaning(frozen(pod, { old, subresource }), frozen(old, { old, subresource }))) {
    errors.push(forbidden('spec', `pod updates may not change fields other than ${MUTABLE}`))
  }
  return errors
}

function hasOnlyMoreTolerations(pod: Pod, old: Pod): boolean {
  const without = ({ tolerationSeconds: _, ...toleration }: NonNullable<PodSpec['tolerations']>[number]): JsonValue =>
    toleration
  return (old.spec.tolerations ?? []).every(before =>
    pod.spec.tolerations?.some(after => sameMeaning(without(before), without(after))),
  )
}

/** The spec with what may change taken from `old`. */
function frozen({ spec }: Pod, { old, subresource }: { old: Pod; subresource: string | undefined }): JsonValue {
  const images = (kind: 'containers' | 'initContainers') =>
    spec[kind]?.map((container, index) => ({
      ...container,
      image: old.spec[kind]?.[index]?.image,
      ...(subresource === 'resize' && { resources: undefined, resizePolicy: undefined }),
    }))
  const { schedulingGates } = old.spec
  const isGated = (schedulingGates?.length ?? 0) > 0
  const fixed = {
    ...spec,
    containers: images('containers'),
    initContainers: images('initContainers'),
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
    schedulingGates: undefined,
    ...(subresource === 'ephemeralcontainers' && { ephemeralContainers: undefined }),
    terminationGracePeriodSeconds:
      (old.spec.terminationGracePeriodSeconds ?? 0) < 0 ? undefined : spec.terminationGracePeriodSeconds,
    // A Pod that may not be scheduled yet may still narrow where (KEP-3838).
    ...(isGated && { nodeSelector: undefined, affinity: undefined }),
    ...(subresource === 'binding' && { nodeName: undefined }),
  }
  return JSON.parse(JSON.stringify(fixed)) as JsonValue
}
