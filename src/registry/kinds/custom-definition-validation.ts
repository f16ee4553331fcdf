import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from '../../api/apiextensions-v1/types.ts'
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from '../../machinery/field-error.ts'
import { dns1035LabelProblems, dnsSubdomainProblems } from '../../machinery/names.ts'
import { schemaDefinitionErrors } from '../custom/schema-definition-errors.ts'
import { oneOf, wellFormed } from './field-rules.ts'
import { immutable } from './workload-validation.ts'

/** What is wrong with the definition of a custom kind. */
export function definitionErrors({ metadata, spec }: CustomResourceDefinition): readonly FieldError[] {
  const { group, names } = spec
  const errors: FieldError[] = []
  if (metadata.name !== `${names?.plural}.${group}`) {
    errors.push(invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'))
  }
  return [
    ...errors,
    ...groupErrors(group),
    ...(spec.scope
      ? oneOf(spec.scope, { path: 'spec.scope', choices: ['Cluster', 'Namespaced'] })
      : [required('spec.scope')]),
    ...versionsErrors(spec),
    ...namesErrors(names),
    ...conversionErrors(spec.conversion),
    ...(spec.preserveUnknownFields
      ? [invalid('spec.preserveUnknownFields', true, 'must be false in order to use defaults in the schema')]
      : []),
  ]
}

export const definitionUpdateErrors = (
  { spec, status }: CustomResourceDefinition,
  old: CustomResourceDefinition,
): readonly FieldError[] => [
  ...immutable(spec.group, old.spec.group, 'spec.group'),
  ...immutable(spec.scope, old.spec.scope, 'spec.scope'),
  ...immutable(spec.names.plural, old.spec.names.plural, 'spec.names.plural'),
  ...immutable(spec.names.kind, old.spec.names.kind, 'spec.names.kind'),
  ...storedVersionErrors(spec, status),
]

/** Objects in a version that is not served any more could not be read. */
function storedVersionErrors(
  { versions = [] }: CustomResourceDefinitionSpec,
  status: CustomResourceDefinition['status'],
): readonly FieldError[] {
  const names = new Set(versions.map(({ name }) => name))
  return (status?.storedVersions ?? []).flatMap((version, index) =>
    names.has(version)
      ? []
      : [
          invalid(
            `status.storedVersions[${index}]`,
            version,
            'missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions'.replaceAll(
              'v1',
              version,
            ),
          ),
        ],
  )
}

function groupErrors(group: string | undefined): readonly FieldError[] {
  if (!group) return [required('spec.group')]
  const errors = [...wellFormed(group, { path: 'spec.group', problems: dnsSubdomainProblems })]
  if (!group.includes('.')) errors.push(invalid('spec.group', group, 'should be a domain with at least one dot'))
  return errors
}

function versionsErrors({ versions = [] }: CustomResourceDefinitionSpec): readonly FieldError[] {
  const names = versions.map(({ name }) => name)
  const errors: FieldError[] = []
  if (versions.length === 0) errors.push(required('spec.versions', 'must have at least one version'))
  else if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalid('spec.versions', names, 'must have exactly one version marked as storage version'))
  }
  if (new Set(names).size !== names.length) {
    errors.push(invalid('spec.versions', names, 'must contain unique version names'))
  }
  return [...errors, ...versions.flatMap((version, index) => versionErrors(version, `spec.versions[${index}]`))]
}

const WORDS = ['plural', 'singular'] as const
const KINDS = ['kind', 'listKind'] as const

function namesErrors(names: CustomResourceDefinitionSpec['names'] | undefined): readonly FieldError[] {
  const errors: FieldError[] = []
  const path = 'spec.names'
  const problems = dns1035LabelProblems
  for (const field of WORDS) {
    const value = names?.[field]
    errors.push(...(value ? wellFormed(value, { path: `${path}.${field}`, problems }) : [required(`${path}.${field}`)]))
  }
  for (const field of KINDS) {
    const value = names?.[field]
    if (!value) errors.push(required(`${path}.${field}`))
    else if (problems(value.toLowerCase()).length > 0) {
      const rules = problems(value.toLowerCase()).join(',')
      errors.push(invalid(`${path}.${field}`, value, `may have mixed case, but should otherwise match: ${rules}`))
    }
  }
  if (names?.kind && names.kind === names.listKind) {
    errors.push(invalid(`${path}.listKind`, names.listKind, 'kind and listKind may not be the same'))
  }
  for (const field of ['shortNames', 'categories'] as const) {
    names?.[field]?.forEach((value, index) => {
      errors.push(...wellFormed(value, { path: `${path}.${field}[${index}]`, problems }))
    })
  }
  return errors
}

function conversionErrors(conversion: CustomResourceDefinitionSpec['conversion']): readonly FieldError[] {
  const path = 'spec.conversion'
  if (!conversion) return []
  const { strategy, webhook } = conversion
  if (!strategy) return [required(`${path}.strategy`)]
  if (strategy === 'None') {
    return webhook ? [forbidden(`${path}.webhook`, 'should not be set when strategy is not set to Webhook')] : []
  }
  if (strategy !== 'Webhook') return [notSupported(`${path}.strategy`, strategy, ['None', 'Webhook'])]
  if (!webhook?.clientConfig) {
    return [required(`${path}.webhook.clientConfig`, 'required when strategy is set to Webhook')]
  }
  const { url, service } = webhook.clientConfig
  const isOne = (url === undefined) !== (service === undefined)
  return [
    ...(isOne ? [] : [required(`${path}.webhook.clientConfig`, 'exactly one of url or service is required')]),
    ...(webhook.conversionReviewVersions?.length ? [] : [required(`${path}.webhook.conversionReviewVersions`)]),
  ]
}

function versionErrors(version: CustomResourceDefinitionVersion, path: string): readonly FieldError[] {
  const { name, schema, deprecated, deprecationWarning } = version
  const errors = [...wellFormed(name ?? '', { path: `${path}.name`, problems: dns1035LabelProblems })]
  if (deprecationWarning !== undefined && !deprecated) {
    errors.push(invalid(`${path}.deprecationWarning`, deprecationWarning, 'can only be set for deprecated versions'))
  }
  const root = schema?.openAPIV3Schema
  return [
    ...errors,
    ...(root
      ? schemaDefinitionErrors(root, `${path}.schema.openAPIV3Schema`)
      : [required(`${path}.schema.openAPIV3Schema`, 'schemas are required')]),
    ...subresourceErrors(version.subresources, `${path}.subresources`),
    ...(version.additionalPrinterColumns ?? []).flatMap((column, index) =>
      columnErrors(column, `${path}.additionalPrinterColumns[${index}]`),
    ),
    ...selectableErrors(version.selectableFields ?? [], `${path}.selectableFields`),
  ]
}

/** Fields by name, without lists and filters. */
const SIMPLE_PATH = /^(?:\.[A-Za-z_][\w-]*|\['[^']+'\])+$/

function pathErrors(value: string | undefined, path: string, under: readonly string[]): readonly FieldError[] {
  if (!value) return [required(path)]
  if (!SIMPLE_PATH.test(value)) return [invalid(path, value, 'must be a simple json path')]
  if (under.some(prefix => value.startsWith(`${prefix}.`))) return []
  const where = under.length === 1 ? under[0] : `either ${under.join(' or ')}`
  return [invalid(path, value, `should be a json path under ${where}`)]
}

function subresourceErrors(
  subresources: CustomResourceDefinitionVersion['subresources'],
  path: string,
): readonly FieldError[] {
  const scale = subresources?.scale
  if (!scale) return []
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale
  return [
    ...pathErrors(specReplicasPath, `${path}.scale.specReplicasPath`, ['.spec']),
    ...pathErrors(statusReplicasPath, `${path}.scale.statusReplicasPath`, ['.status']),
    ...(labelSelectorPath
      ? pathErrors(labelSelectorPath, `${path}.scale.labelSelectorPath`, ['.spec', '.status'])
      : []),
  ]
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string']
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']

type Column = NonNullable<CustomResourceDefinitionVersion['additionalPrinterColumns']>[number]

function columnErrors({ name, type, format, jsonPath }: Column, path: string): readonly FieldError[] {
  return [
    ...(name ? [] : [required(`${path}.name`)]),
    ...(type
      ? oneOf(type, { path: `${path}.type`, choices: COLUMN_TYPES })
      : [required(`${path}.type`, `must be one of ${COLUMN_TYPES.join(',')}`)]),
    ...oneOf(format || undefined, { path: `${path}.format`, choices: COLUMN_FORMATS }),
    ...(jsonPath ? [] : [required(`${path}.jsonPath`)]),
  ]
}

const SELECTABLE_MAX = 8

function selectableErrors(fields: readonly { readonly jsonPath: string }[], path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  if (fields.length > SELECTABLE_MAX) {
    errors.push({
      reason: 'FieldValueTooMany',
      field: path,
      message: `Too many: ${fields.length}: must have at most ${SELECTABLE_MAX} items`,
    })
  }
  const seen = new Set<string>()
  fields.forEach(({ jsonPath }, index) => {
    const at = `${path}[${index}].jsonPath`
    if (!jsonPath) errors.push(required(at))
    else if (!SIMPLE_PATH.test(jsonPath)) errors.push(invalid(at, jsonPath, 'must be a simple json path'))
    else if (seen.has(jsonPath)) errors.push(duplicate(at, jsonPath))
    seen.add(jsonPath)
  })
  return errors
}
