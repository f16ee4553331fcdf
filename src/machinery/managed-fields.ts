import { deepEqual } from 'fast-equals'
import type { FieldChanges } from './field-changes.ts'
import { differenceOf, type FieldSet, fieldTexts, intersectionOf, isEmptySet, NO_FIELDS, unionOf } from './field-set.ts'
import type { StatusCause } from './status.ts'

/** One line of `metadata.managedFields`: who set what, how, in which version. */
export interface ManagedFields {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly time?: string
  readonly fieldsType: 'FieldsV1'
  readonly fieldsV1: FieldSet
  readonly subresource?: string
}

/** Who writes now. */
export type Manager = Pick<ManagedFields, 'manager' | 'operation' | 'apiVersion' | 'subresource'>

/** Managers of updates that are told apart; older ones are counted together. */
const UPDATE_MANAGERS_MAX = 10
const ANCIENT = 'ancient-changes'

const isBy = (entry: ManagedFields, by: Manager): boolean =>
  entry.manager === by.manager &&
  entry.operation === by.operation &&
  entry.apiVersion === by.apiVersion &&
  (entry.subresource ?? '') === (by.subresource ?? '')

function entryOf(
  by: Manager,
  { fieldsV1, time }: { readonly fieldsV1: FieldSet; readonly time: string },
): ManagedFields {
  const { manager, operation, apiVersion, subresource } = by
  return { manager, operation, apiVersion, time, fieldsType: 'FieldsV1', fieldsV1, ...(subresource && { subresource }) }
}

/** After an update: what changed is the writer's, and nobody else's. */
export function afterUpdate(
  entries: readonly ManagedFields[],
  { by, changes, time }: { readonly by: Manager; readonly changes: FieldChanges; readonly time: string },
): readonly ManagedFields[] {
  const { changed, removed } = changes
  if (isEmptySet(changed) && isEmptySet(removed)) return entries
  const mine = entries.find(entry => isBy(entry, by))
  const fieldsV1 = unionOf(differenceOf(mine?.fieldsV1 ?? NO_FIELDS, removed), changed)
  const others = entries
    .filter(entry => entry !== mine)
    .map(entry => withoutFields(entry, unionOf(changed, removed)))
    .filter(entry => !isEmptySet(entry.fieldsV1))
  const written = isEmptySet(fieldsV1) ? others : [...others, entryOf(by, { fieldsV1, time })]
  return bounded(written)
}

function withoutFields(entry: ManagedFields, fields: FieldSet): ManagedFields {
  if (isEmptySet(intersectionOf(entry.fieldsV1, fields))) return entry
  return { ...entry, fieldsV1: differenceOf(entry.fieldsV1, fields) }
}

function bounded(entries: readonly ManagedFields[]): readonly ManagedFields[] {
  const updates = entries.filter(({ operation, subresource }) => operation === 'Update' && !subresource)
  if (updates.length <= UPDATE_MANAGERS_MAX) return entries
  const oldest = [...updates].sort((a, b) => (a.time ?? '').localeCompare(b.time ?? '')).slice(0, 2)
  const merged = {
    ...oldest[1]!,
    manager: ANCIENT,
    fieldsV1: unionOf(oldest[0]!.fieldsV1, oldest[1]!.fieldsV1),
  }
  return bounded([merged, ...entries.filter(entry => !oldest.includes(entry))])
}

/** Fields that the applier would change although others set them: one cause for each field and manager. */
export function applyConflicts(
  entries: readonly ManagedFields[],
  by: Manager,
  changed: FieldSet,
): readonly StatusCause[] {
  return entries
    .filter(entry => !isBy(entry, by))
    .flatMap(entry =>
      fieldTexts(intersectionOf(entry.fieldsV1, changed)).map(field => ({
        reason: 'FieldManagerConflict',
        message: `conflict with ${described(entry)}`,
        field,
      })),
    )
}

function described({ manager, operation, apiVersion, subresource, time }: ManagedFields): string {
  const name = `"${manager}"`
  if (operation === 'Apply') return name
  return `${name}${subresource ? ` with subresource "${subresource}"` : ''} using ${apiVersion}${time ? ` at ${time}` : ''}`
}

/** After an apply: exactly what was applied is the applier's; forced fields are nobody else's. */
export function afterApply(
  entries: readonly ManagedFields[],
  applied: {
    readonly by: Manager
    readonly fields: FieldSet
    readonly changes: FieldChanges
    readonly time: string
  },
): readonly ManagedFields[] {
  const { by, fields, changes, time } = applied
  const lost = unionOf(changes.changed, changes.removed)
  const mine = entries.find(entry => isBy(entry, by))
  const others = entries
    .filter(entry => entry !== mine)
    .map(entry => withoutFields(entry, lost))
    .filter(entry => !isEmptySet(entry.fieldsV1))
  const isSame = mine !== undefined && isEmptySet(lost) && deepEqual(mine.fieldsV1, fields)
  if (isSame) return [mine, ...others]
  return isEmptySet(fields) ? others : [entryOf(by, { fieldsV1: fields, time }), ...others]
}

/** What an applier set last time and now leaves out, and nobody else set: it goes. */
export function fieldsGivenUp(
  entries: readonly ManagedFields[],
  { by, fields }: { readonly by: Manager; readonly fields: FieldSet },
): { readonly givenUp: FieldSet; readonly kept: FieldSet } {
  const mine = entries.find(entry => isBy(entry, by))
  const kept = entries.filter(entry => entry !== mine).reduce((all, entry) => unionOf(all, entry.fieldsV1), fields)
  return { givenUp: mine ? differenceOf(mine.fieldsV1, kept) : NO_FIELDS, kept }
}
