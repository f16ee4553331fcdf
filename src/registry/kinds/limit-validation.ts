import type { LimitRange, LimitRangeItem, ResourceQuota } from '../../api/core-v1/types.ts'
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from '../../machinery/field-error.ts'
import { qualifiedNameProblems } from '../../machinery/names.ts'
import { compareQuantities } from '../../machinery/quantity.ts'
import { NOT_NEGATIVE, wellFormed } from './field-rules.ts'
import { immutable } from './workload-validation.ts'

type Amounts = LimitRangeItem['max']

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage']
/** What a quota can count without saying of which group it is. */
const QUOTA_NAMES: ReadonlySet<string> = new Set([
  ...COMPUTE,
  ...COMPUTE.flatMap(name => [`requests.${name}`, `limits.${name}`]),
  'requests.storage',
  'pods',
  'services',
  'services.nodeports',
  'services.loadbalancers',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
])
const HUGE_PAGES = /^(?:requests\.|limits\.)?hugepages-/
const SCOPES = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
  'VolumeAttributesClass',
]
const OPPOSITES = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
]

/** The rules of a ResourceQuota. */
export function quotaErrors({ spec }: ResourceQuota): readonly FieldError[] {
  const scopes = spec?.scopes ?? []
  const errors: FieldError[] = Object.entries(spec?.hard ?? {}).flatMap(([name, amount]) => {
    const path = `spec.hard[${name}]`
    const isStandard = name.includes('/') || QUOTA_NAMES.has(name) || HUGE_PAGES.test(name)
    return [
      ...wellFormed(name, { path, problems: qualifiedNameProblems }),
      ...(isStandard ? [] : [invalid(path, name, 'must be a standard resource for quota')]),
      ...(compareQuantities(amount, '0') < 0 ? [invalid(path, amount, NOT_NEGATIVE)] : []),
    ]
  })
  for (const scope of scopes)
    if (!SCOPES.includes(scope)) errors.push(invalid('spec.scopes', scopes, 'unsupported scope'))
  if (OPPOSITES.some(pair => pair.every(scope => (scopes as readonly string[]).includes(scope)))) {
    errors.push(invalid('spec.scopes', scopes, 'conflicting scopes'))
  }
  return errors
}

export const quotaUpdateErrors = ({ spec }: ResourceQuota, old: ResourceQuota): readonly FieldError[] =>
  immutable(spec?.scopes ?? [], old.spec?.scopes ?? [], 'spec.scopes')

const LIMIT_TYPES = ['Container', 'PersistentVolumeClaim', 'Pod']

/** The rules of a LimitRange. */
export function limitRangeErrors({ spec }: LimitRange): readonly FieldError[] {
  const seen = new Set<string>()
  return (spec?.limits ?? []).flatMap((item, index) => {
    const path = `spec.limits[${index}]`
    const errors: FieldError[] = []
    if (!item.type) errors.push(required(`${path}.type`))
    else if (!LIMIT_TYPES.includes(item.type) && !item.type.includes('/')) {
      errors.push(notSupported(`${path}.type`, item.type, LIMIT_TYPES))
    }
    if (seen.has(item.type)) errors.push(duplicate(`${path}.type`, item.type))
    seen.add(item.type)
    return [...errors, ...limitErrors(item, path)]
  })
}

function limitErrors(item: LimitRangeItem, path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  const { type, min, max, default: standard, defaultRequest } = item
  if (type === 'Pod') {
    const why = "may not be specified when `type` is 'Pod'"
    if (standard) errors.push(forbidden(`${path}.default`, why))
    if (defaultRequest) errors.push(forbidden(`${path}.defaultRequest`, why))
  }
  if (type === 'PersistentVolumeClaim' && !min?.storage && !max?.storage) {
    errors.push(
      required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided'),
    )
  }
  const ordered = (low: Side, high: Side, at: string): void => {
    for (const [name, amount] of Object.entries(low.amounts ?? {})) {
      const other = high.amounts?.[name]
      if (other === undefined || compareQuantities(amount, other) <= 0) continue
      const value = at === low.field ? amount : other
      errors.push(
        invalid(
          `${path}.${at}[${name}]`,
          value,
          `${low.word} value ${amount} is greater than ${high.word} value ${other}`,
        ),
      )
    }
  }
  const sides = {
    min: { amounts: min, word: 'min', field: 'min' },
    max: { amounts: max, word: 'max', field: 'max' },
    standard: { amounts: standard, word: 'default', field: 'default' },
    request: { amounts: defaultRequest, word: 'default request', field: 'defaultRequest' },
  }
  ordered(sides.min, sides.max, 'min')
  ordered(sides.min, sides.request, 'defaultRequest')
  ordered(sides.request, sides.max, 'defaultRequest')
  ordered(sides.request, { ...sides.standard, word: 'default limit' }, 'defaultRequest')
  ordered(sides.min, sides.standard, 'default')
  ordered(sides.standard, sides.max, 'default')
  for (const [name, ratio] of Object.entries(item.maxLimitRequestRatio ?? {})) {
    if (compareQuantities(ratio, '1') < 0) {
      errors.push(invalid(`${path}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is less than 1`))
    }
  }
  return errors
}

interface Side {
  readonly amounts: Amounts | undefined
  readonly word: string
  readonly field: string
}
