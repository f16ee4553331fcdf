import type { KindDefinition } from '../kind-definition.ts'

/** The differences of every kind that has any. */
export const kindDefinitions: readonly KindDefinition[] = []
