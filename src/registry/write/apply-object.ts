import { type FieldChanges, fieldChanges } from '../../machinery/field-changes.ts'
import { required } from '../../machinery/field-error.ts'
import { type FieldSet, fieldsOf, NO_FIELDS } from '../../machinery/field-set.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { afterApply, applyConflicts, fieldsGivenUp, type ManagedFields } from '../../machinery/managed-fields.ts'
import { isJsonObject } from '../../machinery/merge-patch.ts'
import { appliedOver, withoutGivenUp } from '../../machinery/server-side-apply.ts'
import { applyConflict, badRequest, conflict, invalidObject, isStatusError } from '../../machinery/status.ts'
import { timeText } from '../../machinery/time.ts'
import type { Encoded } from '../resource.ts'
import { DecodeError } from '../schema/decode.ts'
import { apiVersionOf, noSuchObject, resourceNameOf } from '../served-kind.ts'
import { createOnce } from './create-object.ts'
import { managedFieldsOf, managerOf, ownedPart, withManagedFields } from './managed-fields.ts'
import { type IncomingObject, readBody, reportUnknownFields } from './read-body.ts'
import { type Change, changeObject, keyOf, PATCH_ATTEMPTS_MAX } from './update-object.ts'
import type { WriteScope } from './write-environment.ts'

/** Server-side apply (KEP-555): the body says all that its manager wants, and nothing else. */
export async function applyObject(scope: WriteScope, change: Partial<Change>): Promise<Encoded> {
  const { kind, call } = scope
  const applied = readApplied(scope)
  const fields = fieldsOf(kind.schema, ownedPart(scope, applied), false)
  if (!kind.cache.find(keyOf(scope)) && !call.subresource) {
    try {
      return await createApplied(scope, { applied, fields })
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) throw error
    }
  }
  if (call.subresource && !kind.cache.find(keyOf(scope))) throw noSuchObject(kind, call.name!)
  let outcome: Outcome = { entries: [], changes: { changed: NO_FIELDS, removed: NO_FIELDS } }
  return changeObject(scope, {
    ...change,
    attemptsMax: PATCH_ATTEMPTS_MAX,
    propose(current) {
      const { object, ...rest } = merged(scope, { applied, fields, current })
      outcome = rest
      return object
    },
    track: (_scope, draft) => {
      const time = timeText(scope.environment.clock.now())
      const by = managerOf(scope, 'Apply')
      return withManagedFields(draft, afterApply(outcome.entries, { by, fields, changes: outcome.changes, time }))
    },
  })
}

interface Outcome {
  readonly entries: readonly ManagedFields[]
  readonly changes: FieldChanges
}

function readApplied(scope: WriteScope): JsonObject {
  const { kind, call } = scope
  const { body, options } = call
  if (!options?.fieldManager) {
    const errors = [required('fieldManager', 'is required for apply patch')]
    throw invalidObject({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', errors)
  }
  if (!isJsonObject(body)) throw badRequest('error decoding YAML: an object is expected')
  if (body.apiVersion !== apiVersionOf(kind.info) || body.kind !== kind.info.kind) {
    throw badRequest(
      `the applied object must be of ${apiVersionOf(kind.info)}, Kind=${kind.info.kind}, not ${JSON.stringify(body.apiVersion)}, Kind=${JSON.stringify(body.kind)}`,
    )
  }
  const metadata = isJsonObject(body.metadata) ? body.metadata : {}
  if (metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil')
  if (metadata.name !== undefined && metadata.name !== call.name) {
    throw badRequest(
      `the name of the object (${JSON.stringify(metadata.name)}) does not match the name on the URL (${call.name})`,
    )
  }
  if (metadata.namespace !== undefined && kind.info.namespaced && metadata.namespace !== call.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  try {
    const { object, unknownFields } = kind.reader.read(body, { addsDefaults: false })
    reportUnknownFields(scope, unknownFields)
    return { ...object, metadata: object.metadata ?? {} }
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(`failed to create typed patch object: ${error.message}`)
    throw error
  }
}

/** Defaults that nobody asked for belong to nobody. */
async function createApplied(
  scope: WriteScope,
  { applied, fields }: { readonly applied: JsonObject; readonly fields: FieldSet },
): Promise<Encoded> {
  const { call, kind } = scope
  const { resourceVersion } = applied.metadata as JsonObject
  if (resourceVersion) throw conflict(resourceNameOf(kind), call.name!)
  const metadata = {
    ...(applied.metadata as JsonObject),
    name: call.name!,
    ...(kind.info.namespaced && { namespace: call.namespace! }),
  }
  const incoming = readBody(scope, { ...applied, metadata })
  return createOnce(scope, incoming, (_scope, draft) => {
    const time = timeText(scope.environment.clock.now())
    const changes = { changed: NO_FIELDS, removed: NO_FIELDS }
    return withManagedFields(draft, afterApply([], { by: managerOf(scope, 'Apply'), fields, changes, time }))
  })
}

interface Applying {
  readonly applied: JsonObject
  readonly fields: FieldSet
  readonly current: JsonObject
}

/** The live object with what is applied, without what this manager gave up. Throws 409 when others' fields change. */
function merged(scope: WriteScope, { applied, fields, current }: Applying): Outcome & { readonly object: JsonObject } {
  const { schema } = scope.kind
  const by = managerOf(scope, 'Apply')
  const entries = managedFieldsOf(current) ?? []
  const live = ownedPart(scope, current)
  const over = appliedOver(schema, live, ownedPart(scope, applied))
  const next = withoutGivenUp(schema, over, fieldsGivenUp(entries, { by, fields })) as JsonObject
  const changes = fieldChanges(schema, live, next)
  if (!scope.call.options?.force) {
    const conflicts = applyConflicts(entries, by, changes.changed)
    if (conflicts.length > 0) throw applyConflict(conflicts)
  }
  return { object: assembled({ current, applied, next }), entries, changes }
}

/** Puts the owned part back among what the server keeps. */
function assembled({
  current,
  applied,
  next,
}: {
  current: JsonObject
  applied: JsonObject
  next: JsonObject
}): IncomingObject {
  const { annotations: _, finalizers: __, labels: ___, ownerReferences: ____, ...kept } = current.metadata as JsonObject
  const { uid, resourceVersion } = applied.metadata as { readonly uid?: string; readonly resourceVersion?: string }
  const metadata = {
    ...kept,
    ...(next.metadata as JsonObject),
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
  }
  return {
    ...(current.status !== undefined && { status: current.status }),
    ...next,
    apiVersion: current.apiVersion,
    kind: current.kind,
    metadata,
  } as IncomingObject
}
