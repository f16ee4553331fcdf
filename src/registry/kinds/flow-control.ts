import { FlowSchema, type PolicyRulesWithSubjects, PriorityLevelConfiguration } from '../../api/flowcontrol-v1/types.ts'
import { type FieldError, forbidden, invalid, notSupported, required } from '../../machinery/field-error.ts'
import { dnsSubdomainProblems } from '../../machinery/names.ts'
import { defineKind } from '../kind-definition.ts'
import { between, notNegative, oneOf, wellFormed } from './field-rules.ts'

const PRECEDENCE_MAX = 10_000
const PRECEDENCE_DEFAULT = 1000
const SHARES_DEFAULT = 30
const QUEUING_DEFAULT = { queues: 64, handSize: 8, queueLengthLimit: 50 }

export const flowSchemas = defineKind(FlowSchema, {
  hasGeneration: true,
  defaults({ spec }) {
    if (spec) spec.matchingPrecedence ||= PRECEDENCE_DEFAULT
  },
  validate: ({ spec }) => [
    ...between(spec?.matchingPrecedence, { path: 'spec.matchingPrecedence', min: 1, max: PRECEDENCE_MAX }),
    ...(spec?.priorityLevelConfiguration?.name
      ? wellFormed(spec.priorityLevelConfiguration.name, {
          path: 'spec.priorityLevelConfiguration.name',
          problems: dnsSubdomainProblems,
        })
      : [required('spec.priorityLevelConfiguration.name', 'must reference a priority level')]),
    ...oneOf(spec?.distinguisherMethod?.type, {
      path: 'spec.distinguisherMethod.type',
      choices: ['ByNamespace', 'ByUser'],
    }),
    ...(spec?.rules ?? []).flatMap((rule, index) => ruleErrors(rule, `spec.rules[${index}]`)),
  ],
})

const SUBJECT_FIELDS = { User: 'user', Group: 'group', ServiceAccount: 'serviceAccount' } as const

function ruleErrors(
  { subjects = [], resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects,
  path: string,
): readonly FieldError[] {
  const errors: FieldError[] = []
  if (subjects.length === 0) errors.push(required(`${path}.subjects`, 'subjects must contain at least one value'))
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    errors.push(required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'))
  }
  subjects.forEach((subject, index) => {
    const at = `${path}.subjects[${index}]`
    const field = SUBJECT_FIELDS[subject.kind as keyof typeof SUBJECT_FIELDS]
    if (!field) errors.push(notSupported(`${at}.kind`, subject.kind, Object.keys(SUBJECT_FIELDS)))
    else if (!subject[field]) {
      errors.push(required(`${at}.${field}`, `${field} is required when subject kind is '${subject.kind}'`))
    }
  })
  resourceRules.forEach((rule, index) => {
    const at = `${path}.resourceRules[${index}]`
    for (const field of ['verbs', 'apiGroups', 'resources'] as const) {
      if (!rule[field]?.length) errors.push(required(`${at}.${field}`))
    }
    if (!rule.namespaces?.length && !rule.clusterScope) {
      errors.push(
        required(`${at}.namespaces`, 'resource rules that are not cluster scoped must supply at least one namespace'),
      )
    }
  })
  return errors
}

export const priorityLevels = defineKind(PriorityLevelConfiguration, {
  hasGeneration: true,
  defaults({ spec }) {
    const limited = spec?.limited
    if (!limited) return
    limited.nominalConcurrencyShares ??= SHARES_DEFAULT
    limited.lendablePercent ??= 0
    const { queuing } = limited.limitResponse ?? {}
    if (!queuing) return
    queuing.queues ||= QUEUING_DEFAULT.queues
    queuing.handSize ||= QUEUING_DEFAULT.handSize
    queuing.queueLengthLimit ||= QUEUING_DEFAULT.queueLengthLimit
  },
  validate({ spec }) {
    const { type, limited, exempt } = spec ?? {}
    if (!type) return [required('spec.type')]
    switch (type) {
      case 'Exempt':
        return limited ? [forbidden('spec.limited', 'must be nil if the type is not Limited')] : []
      case 'Limited':
        return [
          ...(exempt ? [forbidden('spec.exempt', 'must be nil if the type is Limited')] : []),
          ...(limited ? limitErrors(limited) : [required('spec.limited', 'must not be empty when type is Limited')]),
        ]
      default:
        return [notSupported('spec.type', type, ['Exempt', 'Limited'])]
    }
  },
})

type Limited = NonNullable<PriorityLevelConfiguration['spec']['limited']>

function limitErrors({ nominalConcurrencyShares, lendablePercent, limitResponse }: Limited): readonly FieldError[] {
  const path = 'spec.limited.limitResponse'
  const errors: FieldError[] = [
    ...notNegative(nominalConcurrencyShares, 'spec.limited.nominalConcurrencyShares'),
    ...between(lendablePercent, { path: 'spec.limited.lendablePercent', min: 0, max: 100 }),
  ]
  const { type, queuing } = limitResponse ?? {}
  if (type === 'Reject') {
    if (queuing) errors.push(forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited'))
  } else if (type !== 'Queue') errors.push(notSupported(`${path}.type`, type ?? '', ['Queue', 'Reject']))
  else if (!queuing)
    errors.push(required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited'))
  else {
    const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing
    for (const [field, value] of Object.entries({ queues, handSize, queueLengthLimit })) {
      if (value <= 0) errors.push(invalid(`${path}.queuing.${field}`, value, 'must be positive'))
    }
    if (handSize > queues) {
      errors.push(invalid(`${path}.queuing.handSize`, handSize, `should not be greater than queues (${queues})`))
    }
  }
  return errors
}
