import { fieldChanges } from '../../machinery/field-changes.ts'
import { fieldsOf } from '../../machinery/field-set.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { afterUpdate, type ManagedFields, type Manager } from '../../machinery/managed-fields.ts'
import { timeText } from '../../machinery/time.ts'
import { apiVersionOf, hasSubresource } from '../served-kind.ts'
import type { IncomingObject } from './read-body.ts'
import type { WriteScope } from './write-environment.ts'

/** Metadata that belongs to somebody; the rest is the server's own. */
const OWNED_METADATA = ['annotations', 'finalizers', 'generateName', 'labels', 'ownerReferences'] as const

/** Records that this write made every field of a new object. */
export function trackedCreate(scope: WriteScope, draft: IncomingObject): IncomingObject {
  const fieldsV1 = fieldsOf(scope.kind.schema, ownedPart(scope, draft), true)
  const entry: ManagedFields = {
    ...managerOf(scope, 'Update'),
    time: timeText(scope.environment.clock.now()),
    fieldsType: 'FieldsV1',
    fieldsV1,
  }
  return withManagedFields(draft, [entry])
}

/** Records which fields this write changed. Costs one comparison with the old object, and little more. */
export function trackedUpdate(scope: WriteScope, draft: IncomingObject, old: JsonObject): IncomingObject {
  const entries = managedFieldsOf(draft) ?? managedFieldsOf(old) ?? []
  const changes = fieldChanges(scope.kind.schema, ownedPart(scope, old), ownedPart(scope, draft))
  const time = timeText(scope.environment.clock.now())
  return withManagedFields(draft, afterUpdate(entries, { by: managerOf(scope, 'Update'), changes, time }))
}

export function managerOf({ kind, call }: WriteScope, operation: Manager['operation']): Manager {
  const manager = call.options?.fieldManager || 'unknown'
  const { subresource } = call
  return { manager, operation, apiVersion: apiVersionOf(kind.info), ...(subresource && { subresource }) }
}

/** What of an object this endpoint's writers can own. */
export function ownedPart(scope: WriteScope, object: JsonObject): JsonObject {
  const { apiVersion: _, kind: __, metadata, status, ...rest } = object
  const owned: { [key: string]: JsonValue } = {}
  for (const field of OWNED_METADATA) {
    const value = (metadata as JsonObject | undefined)?.[field]
    if (value !== undefined) owned[field] = value
  }
  const writesStatus = scope.call.subresource !== undefined || !hasSubresource(scope.kind, 'status')
  return { metadata: owned, ...rest, ...(writesStatus && status !== undefined && { status }) }
}

/** Undefined when the object says nothing; an entry without a manager means that all were cleared. */
export function managedFieldsOf({ metadata }: JsonObject): readonly ManagedFields[] | undefined {
  const { managedFields } = metadata as { readonly managedFields?: readonly ManagedFields[] }
  return managedFields?.filter(({ manager, fieldsV1 }) => manager !== undefined && fieldsV1 !== undefined)
}

export function withManagedFields(draft: IncomingObject, entries: readonly ManagedFields[]): IncomingObject {
  if (entries.length === 0) delete draft.metadata.managedFields
  // Entries are JSON, and shared with the stored object: nobody changes them.
  else draft.metadata.managedFields = entries as unknown as IncomingObject['metadata'][string]
  return draft
}
