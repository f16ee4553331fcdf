import {
  CustomResourceDefinition,
  type CustomResourceDefinitionSpec,
  type CustomResourceDefinitionVersion,
  type JSONSchemaProps,
} from '../../api/apiextensions-v1/types.ts'
import { type FieldError, forbidden, invalid, required } from '../../machinery/field-error.ts'
import { dns1035LabelProblems, dnsSubdomainProblems } from '../../machinery/names.ts'
import { ruleProblem } from '../custom/cel-rules.ts'
import { defineKind } from '../kind-definition.ts'
import { oneOf, wellFormed } from './field-rules.ts'
import { immutable } from './workload-validation.ts'

/** Keeps a definition until the objects of its kind are gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'

export const customResourceDefinitions = defineKind(CustomResourceDefinition, {
  defaults({ spec }) {
    if (!spec?.names) return
    spec.names.singular ||= spec.names.kind?.toLowerCase()
    spec.names.listKind ||= `${spec.names.kind}List`
    spec.conversion ??= { strategy: 'None' }
  },
  prepareForCreate(definition) {
    const stored = definition.spec?.versions?.find(({ storage }) => storage)?.name
    definition.status = {
      acceptedNames: { plural: '', kind: '' },
      conditions: [],
      storedVersions: stored ? [stored] : [],
    } as unknown as typeof definition.status
    const { finalizers = [] } = definition.metadata
    if (!finalizers.includes(CLEANUP_FINALIZER)) definition.metadata.finalizers = [...finalizers, CLEANUP_FINALIZER]
  },
  prepareForUpdate(definition) {
    const stored = definition.spec?.versions?.find(({ storage }) => storage)?.name
    const status = definition.status as { storedVersions?: string[] } | undefined
    if (stored && status && !status.storedVersions?.includes(stored)) {
      const storedVersions = [...(status.storedVersions ?? []), stored]
      definition.status = { ...status, storedVersions } as typeof definition.status
    }
  },
  hasGeneration: true,
  validate: definitionErrors,
  validateUpdate: ({ spec }, old) => [
    ...immutable(spec.group, old.spec.group, 'spec.group'),
    ...immutable(spec.scope, old.spec.scope, 'spec.scope'),
    ...immutable(spec.names.plural, old.spec.names.plural, 'spec.names.plural'),
    ...immutable(spec.names.kind, old.spec.names.kind, 'spec.names.kind'),
  ],
  columns: [{ name: 'Created At', type: 'date', cell: ({ metadata }) => metadata.creationTimestamp }],
})

function definitionErrors({ metadata, spec }: CustomResourceDefinition): readonly FieldError[] {
  const { group, names, versions = [], scope } = spec
  const errors: FieldError[] = []
  const name = `${names?.plural}.${group}`
  if (metadata.name !== name) {
    errors.push(invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'))
  }
  if (!group) errors.push(required('spec.group'))
  else {
    errors.push(...wellFormed(group, { path: 'spec.group', problems: dnsSubdomainProblems }))
    if (!group.includes('.')) errors.push(invalid('spec.group', group, 'should be a domain with at least one dot'))
  }
  errors.push(...oneOf(scope, { path: 'spec.scope', choices: ['Cluster', 'Namespaced'] }), ...namesErrors(names))
  const stored = versions.filter(({ storage }) => storage)
  if (versions.length === 0) errors.push(required('spec.versions', 'must have at least one version'))
  else if (stored.length !== 1) {
    errors.push(
      invalid(
        'spec.versions',
        versions.map(version => version.name),
        'must have exactly one version marked as storage version',
      ),
    )
  }
  if (spec.preserveUnknownFields) {
    errors.push(invalid('spec.preserveUnknownFields', true, 'must be false in order to use defaults in the schema'))
  }
  return [...errors, ...versions.flatMap((version, index) => versionErrors(version, `spec.versions[${index}]`))]
}

function namesErrors(names: CustomResourceDefinitionSpec['names'] | undefined): readonly FieldError[] {
  const errors: FieldError[] = []
  for (const field of ['plural', 'singular'] as const) {
    const value = names?.[field]
    if (!value) errors.push(required(`spec.names.${field}`))
    else errors.push(...wellFormed(value, { path: `spec.names.${field}`, problems: dns1035LabelProblems }))
  }
  if (!names?.kind) errors.push(required('spec.names.kind'))
  return errors
}

function versionErrors({ name, schema }: CustomResourceDefinitionVersion, path: string): readonly FieldError[] {
  const errors = [...wellFormed(name ?? '', { path: `${path}.name`, problems: dns1035LabelProblems })]
  const root = schema?.openAPIV3Schema
  if (!root) return [...errors, required(`${path}.schema.openAPIV3Schema`, 'schemas are required')]
  const at = `${path}.schema.openAPIV3Schema`
  if (root.type !== 'object') {
    errors.push(invalid(`${at}.type`, root.type ?? '', 'must be object at the root'))
  }
  return [...errors, ...structureErrors(root, at)]
}

/** A structural schema says the type of every value, so that pruning and defaulting know what they have. */
function structureErrors(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  const isFree = schema['x-kubernetes-int-or-string'] || schema['x-kubernetes-preserve-unknown-fields']
  if (!schema.type && !isFree) errors.push(required(`${path}.type`, 'must not be empty for specified object fields'))
  if (schema.$ref) errors.push(forbidden(`${path}.$ref`, '$ref is not supported'))
  if (schema.uniqueItems)
    errors.push(
      forbidden(
        `${path}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    )
  if (schema.type === 'array' && !schema.items) errors.push(required(`${path}.items`, 'must be specified'))
  if (schema.properties && schema.additionalProperties) {
    errors.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'))
  }
  schema['x-kubernetes-validations']?.forEach(({ rule }, index) => {
    const problem = rule ? ruleProblem(rule) : 'a rule is required'
    if (problem) errors.push(invalid(`${path}.x-kubernetes-validations[${index}].rule`, rule ?? '', problem))
  })
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    errors.push(...structureErrors(property, `${path}.properties[${name}]`))
  }
  if (isSchema(schema.items)) errors.push(...structureErrors(schema.items, `${path}.items`))
  if (isSchema(schema.additionalProperties)) {
    errors.push(...structureErrors(schema.additionalProperties, `${path}.additionalProperties`))
  }
  return errors
}

const isSchema = (value: unknown): value is JSONSchemaProps =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
