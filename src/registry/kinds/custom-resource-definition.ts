import { CustomResourceDefinition } from '../../api/apiextensions-v1/types.ts'
import { defineKind } from '../kind-definition.ts'
import { definitionErrors, definitionUpdateErrors } from './custom-definition-validation.ts'

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
  validateUpdate: definitionUpdateErrors,
  validateStatusUpdate: definitionUpdateErrors,
  columns: [{ name: 'Created At', type: 'date', cell: ({ metadata }) => metadata.creationTimestamp }],
})
