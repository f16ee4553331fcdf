import type {
  Affinity,
  NodeSelectorTerm,
  PodAffinityTerm,
  PodSpec,
  PodTemplateSpec,
  Toleration,
} from '../../api/core-v1/types.ts'
import { type FieldError, forbidden, invalid, required } from '../../machinery/field-error.ts'
import {
  dnsLabelProblems,
  dnsSubdomainProblems,
  labelValueProblems,
  qualifiedNameProblems,
} from '../../machinery/names.ts'
import { annotationErrors, labelErrors } from '../write/validate-metadata.ts'
import { containerErrors, containerNameErrors } from './container-validation.ts'
import { between, notNegative, oneOf, selectorErrors, wellFormed } from './field-rules.ts'
import { volumesErrors } from './volume-validation.ts'

const INT32_MAX = 2 ** 31 - 1

/** The rules of a Pod template: its metadata and the spec of the Pods to come. */
export function podTemplateErrors(template: PodTemplateSpec | undefined, path: string): readonly FieldError[] {
  return [
    ...labelErrors(template?.metadata?.labels, `${path}.metadata.labels`),
    ...annotationErrors(template?.metadata?.annotations, `${path}.metadata.annotations`),
    ...podSpecErrors((template?.spec ?? {}) as PodSpec, `${path}.spec`),
    ...((template?.spec?.ephemeralContainers?.length ?? 0) > 0
      ? [forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')]
      : []),
  ]
}

/** The rules of a Pod's spec, wherever it stands. */
export function podSpecErrors(spec: PodSpec, path: string): readonly FieldError[] {
  const volumes = spec.volumes ?? []
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec
  const scope = { volumes, hostNetwork: spec.hostNetwork === true }
  return [
    ...volumesErrors(volumes, `${path}.volumes`),
    ...(containers.length === 0 ? [required(`${path}.containers`)] : []),
    ...initContainers.flatMap((container, index) =>
      containerErrors(container, { ...scope, path: `${path}.initContainers[${index}]`, isInit: true }),
    ),
    ...containers.flatMap((container, index) =>
      containerErrors(container, { ...scope, path: `${path}.containers[${index}]`, isInit: false }),
    ),
    ...containerNameErrors([
      { path: `${path}.containers`, containers },
      { path: `${path}.initContainers`, containers: initContainers },
      { path: `${path}.ephemeralContainers`, containers: ephemeralContainers },
    ]),
    ...policyErrors(spec, path),
    ...placementErrors(spec, path),
  ]
}

function policyErrors(spec: PodSpec, path: string): readonly FieldError[] {
  const errors: FieldError[] = [
    ...oneOf(spec.restartPolicy, { path: `${path}.restartPolicy`, choices: ['Always', 'Never', 'OnFailure'] }),
    ...oneOf(spec.dnsPolicy, {
      path: `${path}.dnsPolicy`,
      choices: ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'],
    }),
    ...notNegative(spec.terminationGracePeriodSeconds, `${path}.terminationGracePeriodSeconds`),
    ...between(spec.activeDeadlineSeconds, { path: `${path}.activeDeadlineSeconds`, min: 1, max: INT32_MAX }),
  ]
  if (spec.dnsPolicy === 'None' && !spec.dnsConfig?.nameservers?.length) {
    errors.push(
      required(`${path}.dnsConfig.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'),
    )
  }
  if (spec.hostname) errors.push(...wellFormed(spec.hostname, { path: `${path}.hostname`, problems: dnsLabelProblems }))
  if (spec.subdomain)
    errors.push(...wellFormed(spec.subdomain, { path: `${path}.subdomain`, problems: dnsLabelProblems }))
  if (spec.serviceAccountName) {
    errors.push(
      ...wellFormed(spec.serviceAccountName, { path: `${path}.serviceAccountName`, problems: dnsSubdomainProblems }),
    )
  }
  if (spec.priorityClassName) {
    errors.push(
      ...wellFormed(spec.priorityClassName, { path: `${path}.priorityClassName`, problems: dnsSubdomainProblems }),
    )
  }
  return errors
}

function placementErrors(spec: PodSpec, path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) {
    errors.push(...wellFormed(key, { path: `${path}.nodeSelector`, problems: qualifiedNameProblems }))
    errors.push(...wellFormed(value, { path: `${path}.nodeSelector`, problems: labelValueProblems }))
  }
  if (spec.nodeName)
    errors.push(...wellFormed(spec.nodeName, { path: `${path}.nodeName`, problems: dnsSubdomainProblems }))
  spec.tolerations?.forEach((toleration, index) => {
    errors.push(...tolerationErrors(toleration, `${path}.tolerations[${index}]`))
  })
  if (spec.affinity) errors.push(...affinityErrors(spec.affinity, `${path}.affinity`))
  spec.topologySpreadConstraints?.forEach((constraint, index) => {
    const at = `${path}.topologySpreadConstraints[${index}]`
    if (!(constraint.maxSkew > 0))
      errors.push(invalid(`${at}.maxSkew`, constraint.maxSkew ?? 0, 'must be greater than zero'))
    if (!constraint.topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'))
    errors.push(
      ...oneOf(constraint.whenUnsatisfiable, {
        path: `${at}.whenUnsatisfiable`,
        choices: ['DoNotSchedule', 'ScheduleAnyway'],
      }),
      ...selectorErrors(constraint.labelSelector, `${at}.labelSelector`),
    )
  })
  return errors
}

function tolerationErrors(toleration: Toleration, path: string): readonly FieldError[] {
  const { key, operator, value, effect, tolerationSeconds } = toleration
  const errors: FieldError[] = []
  if (key) errors.push(...wellFormed(key, { path: `${path}.key`, problems: qualifiedNameProblems }))
  else if (operator !== 'Exists') {
    errors.push(
      invalid(
        `${path}.operator`,
        operator ?? '',
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    )
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.push(invalid(`${path}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"))
  }
  if (operator === 'Exists' && value) {
    errors.push(invalid(`${path}.operator`, toleration, "value must be empty when `operator` is 'Exists'"))
  }
  if (operator !== 'Exists' && value) {
    errors.push(...wellFormed(value, { path: `${path}.operator`, problems: labelValueProblems }))
  }
  errors.push(
    ...oneOf(effect || undefined, { path: `${path}.effect`, choices: ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] }),
  )
  return errors
}

function affinityErrors({ nodeAffinity, podAffinity, podAntiAffinity }: Affinity, path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  const needed = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const wished = 'preferredDuringSchedulingIgnoredDuringExecution'
  const must = 'requiredDuringSchedulingIgnoredDuringExecution'
  if (needed) {
    const at = `${path}.nodeAffinity.${must}.nodeSelectorTerms`
    if (!needed.nodeSelectorTerms?.length) errors.push(required(at, 'must have at least one node selector term'))
    needed.nodeSelectorTerms?.forEach((term, index) => {
      errors.push(...nodeTermErrors(term, `${at}[${index}]`))
    })
  }
  nodeAffinity?.[wished]?.forEach(({ weight, preference }, index) => {
    const at = `${path}.nodeAffinity.${wished}[${index}]`
    errors.push(...weightErrors(weight, at), ...nodeTermErrors(preference, `${at}.preference`))
  })
  for (const [name, group] of Object.entries({ podAffinity, podAntiAffinity })) {
    group?.[must]?.forEach((term, index) => {
      errors.push(...podTermErrors(term, `${path}.${name}.${must}[${index}]`))
    })
    group?.[wished]?.forEach(({ weight, podAffinityTerm }, index) => {
      const at = `${path}.${name}.${wished}[${index}]`
      errors.push(...weightErrors(weight, at), ...podTermErrors(podAffinityTerm, `${at}.podAffinityTerm`))
    })
  }
  return errors
}

const weightErrors = (weight: number, path: string): readonly FieldError[] =>
  weight >= 1 && weight <= 100 ? [] : [invalid(`${path}.weight`, weight, 'must be in the range 1-100')]

function podTermErrors(term: PodAffinityTerm | undefined, path: string): readonly FieldError[] {
  const errors = [...selectorErrors(term?.labelSelector, `${path}.labelSelector`)]
  if (!term?.topologyKey) errors.push(required(`${path}.topologyKey`, 'can not be empty'))
  return errors
}

const NODE_OPERATORS = ['DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn']

export function nodeTermErrors(term: NodeSelectorTerm | undefined, path: string): readonly FieldError[] {
  return (term?.matchExpressions ?? []).flatMap(({ key, operator, values = [] }, index) => {
    const at = `${path}.matchExpressions[${index}]`
    const errors = [...wellFormed(key ?? '', { path: `${at}.key`, problems: qualifiedNameProblems })]
    if (!NODE_OPERATORS.includes(operator))
      errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'))
    if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
      errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
    }
    if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
      errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    }
    if ((operator === 'Gt' || operator === 'Lt') && values.length !== 1) {
      errors.push(required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
    }
    return errors
  })
}
