import { Namespace, Node } from '../../api/core-v1/types.ts'
import { type FieldError, invalid } from '../../machinery/field-error.ts'
import { dnsLabelProblems, qualifiedNameProblems } from '../../machinery/names.ts'
import type { Draft } from '../draft.ts'
import { defineKind } from '../kind-definition.ts'
import { finalize } from '../subresources/finalize.ts'
import { age, text, wide } from '../tables/columns.ts'
import { oneOf, wellFormed } from './field-rules.ts'

const ROLE_PREFIX = 'node-role.kubernetes.io/'
const ROLE_LABEL = 'kubernetes.io/role'

export const nodes = defineKind(Node, {
  prepareForCreate: ({ status }) => allocateAll(status),
  prepareForStatusUpdate: ({ status }) => allocateAll(status),
  keepsStatusOnCreate: true,
  validate: nodeErrors,
  validateUpdate: nodeUpdateErrors,
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

function nodeErrors({ spec }: Node): readonly FieldError[] {
  const errors: FieldError[] = (spec?.taints ?? []).flatMap(({ key, effect }, index) => [
    ...wellFormed(key ?? '', { path: `spec.taints[${index}].key`, problems: qualifiedNameProblems }),
    ...oneOf(effect, { path: `spec.taints[${index}].effect`, choices: TAINT_EFFECTS }),
  ])
  const { podCIDR, podCIDRs } = spec ?? {}
  if (podCIDR && podCIDRs && podCIDRs[0] !== podCIDR) {
    errors.push(invalid('spec.podCIDRs[0]', podCIDRs[0] ?? '', 'must match `spec.podCIDR`'))
  }
  return errors
}

function nodeUpdateErrors({ spec }: Node, old: Node): readonly FieldError[] {
  const errors: FieldError[] = []
  const fixed = (field: 'podCIDR' | 'providerID'): void => {
    if (old.spec?.[field] && spec?.[field] !== old.spec[field]) {
      errors.push({
        reason: 'FieldValueForbidden',
        field: `spec.${field}`,
        message: 'Forbidden: node updates may not change it',
      })
    }
  }
  fixed('podCIDR')
  fixed('providerID')
  return errors
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
