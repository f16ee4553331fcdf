import { ControllerRevision } from '../../api/apps-v1/types.ts'
import { Lease } from '../../api/coordination-v1/types.ts'
import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import { PodDisruptionBudget } from '../../api/policy-v1/types.ts'
import { PriorityClass } from '../../api/scheduling-v1/types.ts'
import { type FieldError, forbidden, invalid, required } from '../../machinery/field-error.ts'
import { controllerOf } from '../../machinery/object.ts'
import { defineKind } from '../kind-definition.ts'
import { age, integer, text } from '../tables/columns.ts'
import { notNegative, oneOf, portNumber, selectorErrors } from './field-rules.ts'
import { countOrPercentErrors, immutable } from './workload-validation.ts'

export const controllerRevisions = defineKind(ControllerRevision, {
  validate: ({ data, revision }) => [...dataErrors(data), ...notNegative(revision, 'revision')],
  validateUpdate: (next, old) => immutable(next.data, old.data, 'data'),
  columns: [
    text('Controller', revision => {
      const owner = controllerOf(revision)
      if (!owner) return '<none>'
      const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : ''
      return `${owner.kind.toLowerCase()}${group}/${owner.name}`
    }),
    integer('Revision', ({ revision }) => revision),
    age,
  ],
})

function dataErrors(data: unknown): readonly FieldError[] {
  if (data === undefined || data === null) return [required('data', 'data is mandatory')]
  if (typeof data !== 'object' || Array.isArray(data)) return [required('data', 'data must be a valid JSON object')]
  return []
}

export const podDisruptionBudgets = defineKind(PodDisruptionBudget, {
  hasGeneration: true,
  validate({ spec }) {
    const errors: FieldError[] = [
      ...countOrPercentErrors(spec?.minAvailable, 'spec.minAvailable'),
      ...countOrPercentErrors(spec?.maxUnavailable, 'spec.maxUnavailable'),
      ...selectorErrors(spec?.selector, 'spec.selector'),
      ...oneOf(spec?.unhealthyPodEvictionPolicy, {
        path: 'spec.unhealthyPodEvictionPolicy',
        choices: ['AlwaysAllow', 'IfHealthyBudget'],
      }),
    ]
    if (spec?.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
      errors.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'))
    }
    return errors
  },
  validateStatusUpdate: ({ status }) =>
    (['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const).flatMap(field =>
      notNegative(status?.[field], `status.${field}`),
    ),
  columns: [
    text('Min Available', ({ spec }) => String(spec?.minAvailable ?? 'N/A')),
    text('Max Unavailable', ({ spec }) => String(spec?.maxUnavailable ?? 'N/A')),
    integer('Allowed Disruptions', ({ status }) => status?.disruptionsAllowed),
    age,
  ],
})

export const leases = defineKind(Lease, {
  createsOnUpdate: true,
  validate: ({ spec }) => [
    ...(spec?.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0
      ? [invalid('spec.leaseDurationSeconds', spec.leaseDurationSeconds, 'must be greater than 0')]
      : []),
    ...notNegative(spec?.leaseTransitions, 'spec.leaseTransitions'),
  ],
  columns: [text('Holder', ({ spec }) => spec?.holderIdentity ?? ''), age],
})

const ENDPOINTS_MAX = 1000
const ENDPOINTS_SHOWN_MAX = 3

export const endpointSlices = defineKind(EndpointSlice, {
  hasGeneration: true,
  validate: ({ addressType, endpoints, ports }) => [
    ...(addressType
      ? oneOf(addressType, { path: 'addressType', choices: ['IPv4', 'IPv6', 'FQDN'] })
      : [required('addressType')]),
    ...((endpoints?.length ?? 0) > ENDPOINTS_MAX
      ? [
          {
            reason: 'FieldValueTooMany',
            field: 'endpoints',
            message: `Too many: ${endpoints?.length}: must have at most ${ENDPOINTS_MAX} items`,
          } as const,
        ]
      : []),
    ...(endpoints ?? []).flatMap(({ addresses }, index) =>
      addresses?.length ? [] : [required(`endpoints[${index}].addresses`, 'must contain at least 1 address')],
    ),
    ...(ports ?? []).flatMap(({ port }, index) => (port === undefined ? [] : portNumber(port, `ports[${index}].port`))),
  ],
  validateUpdate: (next, old) => immutable(next.addressType, old.addressType, 'addressType'),
  columns: [
    text('AddressType', ({ addressType }) => addressType),
    text('Ports', ({ ports }) => shortened((ports ?? []).map(({ port }) => String(port ?? '*'))) || '<unset>'),
    text(
      'Endpoints',
      ({ endpoints }) => shortened((endpoints ?? []).flatMap(({ addresses }) => addresses)) || '<unset>',
    ),
    age,
  ],
})

function shortened(items: readonly string[]): string {
  const more = items.length - ENDPOINTS_SHOWN_MAX
  return `${items.slice(0, ENDPOINTS_SHOWN_MAX).join(',')}${more > 0 ? ` + ${more} more...` : ''}`
}

const USER_PRIORITY_MAX = 1_000_000_000

export const priorityClasses = defineKind(PriorityClass, {
  defaults(priorityClass) {
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority'
    priorityClass.value ??= 0
  },
  hasGeneration: true,
  validate: ({ metadata, value = 0 }) =>
    value > USER_PRIORITY_MAX && !metadata.name.startsWith('system-')
      ? [forbidden('value', `maximum allowed value of a user defined priority is ${USER_PRIORITY_MAX}`)]
      : [],
  validateUpdate: (next, old) => [
    ...immutable(next.value, old.value, 'value'),
    ...immutable(next.preemptionPolicy, old.preemptionPolicy, 'preemptionPolicy'),
  ],
  columns: [
    integer('Value', ({ value }) => value),
    { name: 'Global-Default', type: 'boolean', cell: ({ globalDefault }) => globalDefault ?? false },
    age,
    text('PreemptionPolicy', ({ preemptionPolicy }) => preemptionPolicy ?? ''),
  ],
})
