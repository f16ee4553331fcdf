import type { DeleteOptions } from '../../api/meta-v1/types.ts'
import { invalid } from '../../machinery/field-error.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { isJsonObject } from '../../machinery/merge-patch.ts'
import { badRequest, conflict, invalidObject, type Status } from '../../machinery/status.ts'
import { timeText } from '../../machinery/time.ts'
import { StoreError } from '../../store/store.ts'
import { type CachedObject, encodedOf } from '../cache/cached-object.ts'
import { viewOf } from '../read/version-view.ts'
import type { Encoded } from '../resource.ts'
import { noSuchObject, resourceNameOf, type ServedKind } from '../served-kind.ts'
import { withAdmission } from './admit.ts'
import { commitDeletion, commitObject, newest, statusErrorOf, storedBytes } from './commit.ts'
import type { IncomingObject } from './read-body.ts'
import { keyOf } from './update-object.ts'
import { isDryRun, type WriteScope } from './write-environment.ts'

const FOREGROUND = 'foregroundDeletion'
const ORPHAN = 'orphan'
const ATTEMPTS_MAX = 100

/** DELETE: at once, or by steps when grace, finalizers or propagation ask for it. */
export async function deleteObject(scope: WriteScope, options = deleteOptionsOf(scope.call.body)): Promise<Encoded> {
  const { kind, call } = scope
  const key = keyOf(scope)
  let current = kind.cache.find(key)
  for (let attempt = 1; ; attempt++) {
    if (!current) current = await newest(scope, key)
    if (!current) throw noSuchObject(kind, call.name!)
    if (attempt === 1 && options.preconditions && scope.environment.store.confirmHead)
      current = await newest(scope, key)
    if (!current) throw noSuchObject(kind, call.name!)
    checkPreconditions(kind, options, current)
    const target = current
    try {
      const oldObject = viewOf(kind, target).object
      return await withAdmission(scope, { operation: 'DELETE', oldObject }, () => deleteOnce(scope, target, options))
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (error.code === 'absent') throw noSuchObject(kind, call.name!)
      if (error.code !== 'conflict' || attempt >= ATTEMPTS_MAX) throw statusErrorOf(error, kind, call.name!)
      current = await newest(scope, key)
    }
  }
}

/** Reads DeleteOptions. Throws 400 or 422 for what makes no sense. */
export function deleteOptionsOf(body: JsonValue | undefined): DeleteOptions {
  if (body === undefined || body === null) return {}
  if (!isJsonObject(body)) throw badRequest('DeleteOptions is a JSON object')
  const options = body as unknown as DeleteOptions
  const { propagationPolicy, orphanDependents, gracePeriodSeconds } = options
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    throw invalidOptions(
      'propagationPolicy',
      propagationPolicy,
      'orphanDependents and deletionPropagation cannot be both set',
    )
  }
  if (propagationPolicy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(propagationPolicy)) {
    throw invalidOptions('propagationPolicy', propagationPolicy, 'must be one of "Foreground", "Background", "Orphan"')
  }
  if (gracePeriodSeconds !== undefined && !Number.isInteger(gracePeriodSeconds)) {
    throw badRequest('gracePeriodSeconds is a whole number')
  }
  return options
}

const invalidOptions = (field: string, value: unknown, why: string): Error =>
  invalidObject({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [invalid(field, value, why)])

function checkPreconditions(kind: ServedKind, { preconditions }: DeleteOptions, current: CachedObject): void {
  if (!preconditions) return
  const { name, uid } = current.object.metadata as { readonly name: string; readonly uid: string }
  const fail = (what: string, wanted: string, found: string): never => {
    throw conflict(
      resourceNameOf(kind),
      name,
      `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found}`,
    )
  }
  if (preconditions.uid && preconditions.uid !== uid) fail('UID', preconditions.uid, uid)
  const found = String(current.revision)
  if (preconditions.resourceVersion && preconditions.resourceVersion !== found) {
    fail('ResourceVersion', preconditions.resourceVersion, found)
  }
}

async function deleteOnce(scope: WriteScope, current: CachedObject, options: DeleteOptions): Promise<Encoded> {
  const { kind } = scope
  const marked = markedForDeletion(scope, viewOf(kind, current).object, options)
  if (!marked) {
    if (!isDryRun(scope)) {
      await commitDeletion(scope, current)
      await kind.differences.release?.(current.object, scope)
    }
    return kind.differences.returnsDeletedObject ? viewOf(kind, current) : encodedOf(deletedStatus(kind, current))
  }
  const inStoredVersion = kind.conversion ? kind.conversion.toStored(marked) : marked
  const stored = storedBytes(inStoredVersion)
  if (Buffer.compare(stored, storedBytes(current.object)) === 0) return viewOf(kind, current)
  if (isDryRun(scope)) return encodedOf(marked)
  const write = { key: current.key, object: inStoredVersion, stored, ifRevision: current.revision }
  return viewOf(kind, await commitObject(scope, write))
}

/** The object with its deletion written into it, or undefined when nothing holds it back. */
function markedForDeletion(
  { kind, environment }: WriteScope,
  old: JsonObject,
  options: DeleteOptions,
): JsonObject | undefined {
  const grace = kind.differences.gracePeriodSeconds?.(old, options.gracePeriodSeconds) ?? 0
  const finalizers = finalizersFor(old, options)
  const isHeld = finalizers.length > 0 || kind.differences.isFinal?.(old) === false
  if (grace === 0 && !isHeld) return undefined
  const draft = structuredClone(old) as IncomingObject
  const { metadata } = draft
  const isTerminating = metadata.deletionTimestamp !== undefined
  if (finalizers.length > 0) metadata.finalizers = [...finalizers]
  else delete metadata.finalizers
  if (isTerminating && grace >= Number(metadata.deletionGracePeriodSeconds ?? 0)) return draft
  metadata.deletionTimestamp = timeText(new Date(environment.clock.now().getTime() + grace * 1000))
  metadata.deletionGracePeriodSeconds = grace
  if (!isTerminating && typeof metadata.generation === 'number') metadata.generation += 1
  kind.differences.markDeleted?.(draft)
  return draft
}

/** Propagation is the garbage collector's work; the finalizers tell it what was asked for. */
function finalizersFor({ metadata }: JsonObject, options: DeleteOptions): readonly string[] {
  const { finalizers = [] } = metadata as { readonly finalizers?: readonly string[] }
  const others = finalizers.filter(finalizer => finalizer !== FOREGROUND && finalizer !== ORPHAN)
  if (options.orphanDependents !== undefined) return options.orphanDependents ? [...others, ORPHAN] : others
  switch (options.propagationPolicy) {
    case 'Foreground':
      return [...others, FOREGROUND]
    case 'Orphan':
      return [...others, ORPHAN]
    case 'Background':
      return others
    default:
      return finalizers
  }
}

function deletedStatus(kind: ServedKind, { object }: CachedObject): JsonObject {
  const { name, uid } = object.metadata as { readonly name: string; readonly uid: string }
  const status: Omit<Status, 'code'> = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, ...(kind.info.group && { group: kind.info.group }), kind: kind.info.plural, uid },
  }
  return status as unknown as JsonObject
}
