import { Namespace, Node, type Taint } from '../../api/core-v1/types.ts'
import { duplicate, type FieldError, forbidden, invalid, required } from '../../machinery/field-error.ts'
import { dnsLabelProblems, labelValueProblems, qualifiedNameProblems } from '../../machinery/names.ts'
import { compareQuantities } from '../../machinery/quantity.ts'
import type { Draft } from '../draft.ts'
import { defineKind } from '../kind-definition.ts'
import { finalize } from '../subresources/finalize.ts'
import { age, text, wide } from '../tables/columns.ts'
import { cidrErrors, NOT_NEGATIVE, oneOf, wellFormed } from './field-rules.ts'

const ROLE_PREFIX = 'node-role.kubernetes.io/'
const ROLE_LABEL = 'kubernetes.io/role'

export const nodes = defineKind(Node, {
  prepareForCreate: ({ status }) => allocateAll(status),
  prepareForStatusUpdate: ({ status }) => allocateAll(status),
  keepsStatusOnCreate: true,
  validate: nodeErrors,
  validateUpdate: nodeUpdateErrors,
  validateStatusUpdate: node => [...addressErrors(node), ...amountErrors(node)],
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec?.unschedulable ?? false) },
  columns: [
    text('Status', statusText),
    text('Roles', rolesText),
    age,
    text('Version', ({ status }) => status?.nodeInfo?.kubeletVersion ?? ''),
    wide(text('Internal-IP', node => addressOf(node, 'InternalIP'))),
    wide(text('External-IP', node => addressOf(node, 'ExternalIP'))),
    wide(text('OS-Image', ({ status }) => status?.nodeInfo?.osImage || '<unknown>')),
    wide(text('Kernel-Version', kernelText)),
    wide(text('Container-Runtime', ({ status }) => status?.nodeInfo?.containerRuntimeVersion || '<unknown>')),
  ],
})

/** A machine that does not say what of it Pods may use lets them use all. */
function allocateAll(status: Draft<Node>['status'] | undefined): void {
  if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity }
}

function statusText({ spec, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  const words = [!ready ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady']
  if (spec?.unschedulable) words.push('SchedulingDisabled')
  return words.join(',')
}

function rolesText({ metadata }: Node): string {
  const roles = new Set<string>()
  for (const [label, value] of Object.entries(metadata.labels ?? {})) {
    if (label.startsWith(ROLE_PREFIX)) {
      const role = label.slice(ROLE_PREFIX.length)
      if (role) roles.add(role)
    } else if (label === ROLE_LABEL && value) roles.add(value)
  }
  return [...roles].sort().join(',') || '<none>'
}

const addressOf = ({ status }: Node, type: string): string =>
  status?.addresses?.find(address => address.type === type)?.address ?? '<none>'

function kernelText({ status }: Node): string {
  const { kernelVersion, architecture } = status?.nodeInfo ?? {}
  if (!kernelVersion) return '<unknown>'
  return architecture ? `${kernelVersion} (${architecture})` : kernelVersion
}

const TAINT_EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

function taintErrors(taints: readonly Taint[]): readonly FieldError[] {
  const seen = new Set<string>()
  return taints.flatMap((taint, index) => {
    const { key, value, effect } = taint
    const path = `spec.taints[${index}]`
    const errors: FieldError[] = [
      ...wellFormed(key ?? '', { path: `${path}.key`, problems: qualifiedNameProblems }),
      ...(value ? wellFormed(value, { path: `${path}.value`, problems: labelValueProblems }) : []),
      ...(effect ? oneOf(effect, { path: `${path}.effect`, choices: TAINT_EFFECTS }) : [required(`${path}.effect`)]),
    ]
    const identity = `${key} ${effect}`
    if (seen.has(identity)) {
      const { message, ...error } = duplicate(path, taint)
      errors.push({ ...error, message: `${message}: taints must be unique by key and effect pair` })
    }
    seen.add(identity)
    return errors
  })
}

const PER_FAMILY_MAX = 1

function podRangeErrors(ranges: readonly string[]): readonly FieldError[] {
  const errors: FieldError[] = ranges.flatMap((range, index) => cidrErrors(range, `spec.podCIDRs[${index}]`))
  const counts = [ranges.filter(range => range.includes(':')), ranges.filter(range => !range.includes(':'))]
  if (counts.some(({ length }) => length > PER_FAMILY_MAX)) {
    errors.push(invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'))
  }
  return errors
}

function amountErrors({ status }: Node): readonly FieldError[] {
  return (['capacity', 'allocatable'] as const).flatMap(field =>
    Object.entries(status?.[field] ?? {}).flatMap(([name, amount]) =>
      compareQuantities(amount, '0') < 0 ? [invalid(`status.${field}.${name}`, amount, NOT_NEGATIVE)] : [],
    ),
  )
}

function nodeErrors({ spec }: Node): readonly FieldError[] {
  const errors: FieldError[] = [...taintErrors(spec?.taints ?? []), ...podRangeErrors(spec?.podCIDRs ?? [])]
  const { podCIDR, podCIDRs } = spec ?? {}
  if (podCIDR && podCIDRs && podCIDRs[0] !== podCIDR) {
    errors.push(invalid('spec.podCIDRs[0]', podCIDRs[0] ?? '', 'must match `spec.podCIDR`'))
  }
  return errors
}

/** What others have relied on since it was set. */
function nodeUpdateErrors(node: Node, { spec: before }: Node): readonly FieldError[] {
  const { spec } = node
  const errors: FieldError[] = [...addressErrors(node)]
  if (before?.podCIDR && spec?.podCIDR !== before.podCIDR) {
    errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'))
  }
  if (before?.providerID && spec?.providerID !== before.providerID) {
    errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'))
  }
  return errors
}

function addressErrors({ status }: Node): readonly FieldError[] {
  const seen = new Set<string>()
  return (status?.addresses ?? []).flatMap((address, index) => {
    const identity = JSON.stringify([address.type, address.address])
    if (seen.has(identity)) return [duplicate(`status.addresses[${index}]`, address)]
    seen.add(identity)
    return []
  })
}

export const namespaces = defineKind(Namespace, {
  defaults({ metadata }) {
    if (metadata.name) metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name }
  },
  prepareForCreate(namespace) {
    namespace.status = { phase: 'Active' }
    namespace.spec = { finalizers: ['kubernetes'] }
  },
  prepareForUpdate(namespace, old) {
    const { finalizers } = old.spec ?? {}
    namespace.spec = finalizers ? { finalizers: [...finalizers] } : {}
  },
  nameProblems: dnsLabelProblems,
  isFinal: ({ spec }) => (spec?.finalizers ?? []).length === 0,
  markDeleted(namespace) {
    namespace.status = { ...namespace.status, phase: 'Terminating' }
  },
  returnsDeletedObject: true,
  selectableFields: { 'status.phase': ({ status }) => status?.phase },
  columns: [text('Status', ({ status }) => status?.phase ?? ''), age],
  subresources: { finalize },
})
