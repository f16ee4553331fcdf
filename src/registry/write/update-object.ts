import { deepEqual } from 'fast-equals'
import type { ApiCall } from '../../machinery/api-call.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { isJsonObject } from '../../machinery/merge-patch.ts'
import { badRequest, conflict, isStatusError } from '../../machinery/status.ts'
import { StoreError } from '../../store/store.ts'
import { type CachedObject, encodedOf } from '../cache/cached-object.ts'
import { viewOf } from '../read/version-view.ts'
import type { Encoded } from '../resource.ts'
import { noSuchObject, resourceNameOf, storeKeyOf } from '../served-kind.ts'
import { mutated, withAdmission } from './admit.ts'
import { commitDeletion, commitObject, newest, statusErrorOf, storedBytes } from './commit.ts'
import { createOnce } from './create-object.ts'
import { trackedUpdate } from './managed-fields.ts'
import { checkIdentity, checkPlace, type IncomingObject, readBody } from './read-body.ts'
import { withReservation } from './reserve.ts'
import { sameMeaning } from './same-meaning.ts'
import { checkValid } from './validate-object.ts'
import { isDryRun, rulesOf, type WriteScope } from './write-environment.ts'

/** Attempts of a change that meets others: an unconditional one goes on long, a patch as often as upstream's. */
export const PATCH_ATTEMPTS_MAX = 5
const UPDATE_ATTEMPTS_MAX = 100

/** What a write makes of the object that stands there, in the version of the call. */
export interface Change {
  propose(current: JsonObject): JsonValue | undefined
  readonly attemptsMax?: number
  /** The only fields besides metadata that this endpoint reads. Absent: all. */
  readonly fields?: readonly string[]
  /** Which part the write may touch. */
  readonly part?: Part
  /** Settles who owns which fields. */
  readonly track?: Tracker
}

export type Tracker = (scope: WriteScope, draft: IncomingObject, old: JsonObject) => IncomingObject

/** Keeps of the proposed object what this endpoint may write, and takes the rest from the old one. */
export type Part = (scope: WriteScope, proposed: IncomingObject, old: JsonObject) => IncomingObject

/** UPDATE of a whole object. */
export async function updateObject(
  scope: WriteScope,
  body: JsonValue | undefined,
  change: Partial<Change> = {},
): Promise<Encoded> {
  const { kind, call } = scope
  if (kind.differences.createsOnUpdate && !call.subresource && !kind.cache.find(keyOf(scope))) {
    const incoming = readBody(scope, body)
    checkPlace(scope, incoming)
    delete incoming.metadata.resourceVersion
    return createOnce(scope, incoming)
  }
  return changeObject(scope, { ...change, propose: () => body })
}

export const keyOf = ({ kind, call }: { kind: WriteScope['kind']; call: ApiCall }): string =>
  storeKeyOf(kind, { namespace: call.namespace, name: call.name! })

/** Reads, proposes, checks and commits; starts again when another write came between and the caller did not mind. */
export async function changeObject(scope: WriteScope, change: Change): Promise<Encoded> {
  const { kind, call } = scope
  const key = keyOf(scope)
  let current = kind.cache.find(key)
  const attemptsMax = change.attemptsMax ?? UPDATE_ATTEMPTS_MAX
  // Where others write too, a body may be newer than the cache: its conflict counts only against the store itself.
  let mayBeStale = scope.environment.store.confirmHead !== undefined
  for (let attempt = 1; ; attempt++) {
    if (!current) current = await newest(scope, key)
    if (!current) throw noSuchObject(kind, call.name!)
    let isConditional = false
    try {
      const proposal = proposed(scope, change, current)
      isConditional = proposal.isConditional
      return await carryThrough(scope, { draft: proposal.draft, current, change })
    } catch (error) {
      if (mayBeStale && isStatusError(error, 'Conflict')) {
        mayBeStale = false
        current = await newest(scope, key)
        continue
      }
      if (!(error instanceof StoreError)) throw error
      if (error.code !== 'conflict' || isConditional || attempt >= attemptsMax)
        throw statusErrorOf(error, kind, call.name!)
      current = await newest(scope, key)
    }
  }
}

function proposed(
  scope: WriteScope,
  change: Change,
  current: CachedObject,
): { readonly draft: IncomingObject; readonly isConditional: boolean } {
  const { kind, call } = scope
  const old = viewOf(kind, current).object
  const body = lightened(change.propose(old), { old, fields: change.fields })
  const draft = readBody(scope, body)
  checkPlace(scope, draft)
  checkIdentity(kind, draft, old)
  const asked = draft.metadata.resourceVersion
  if (!asked && kind.differences.requiresResourceVersion && call.verb === 'update') {
    throw badRequest('metadata.resourceVersion: Invalid value: 0: must be specified for an update')
  }
  const wants = asked !== undefined && asked !== '' && asked !== '0'
  if (wants && asked !== String(current.revision)) throw conflict(resourceNameOf(kind), call.name!)
  // A patch starts from the object itself, so its revision is ours and not the caller's.
  return { draft, isConditional: wants && call.verb === 'update' }
}

/** The body without what would only be read to be thrown away: fields of another endpoint, untouched bookkeeping. */
function lightened(
  body: JsonValue | undefined,
  { old, fields }: { readonly old: JsonObject; readonly fields: readonly string[] | undefined },
): JsonValue | undefined {
  if (!isJsonObject(body) || !isJsonObject(body.metadata)) return body
  const { managedFields, ...metadata } = body.metadata
  const isUntouched = managedFields !== undefined && managedFields === (old.metadata as JsonObject).managedFields
  const light = isUntouched ? { ...body, metadata } : body
  if (!fields) return light
  const kept = ['apiVersion', 'kind', 'metadata', ...fields].filter(field => light[field] !== undefined)
  return Object.fromEntries(kept.map(field => [field, light[field]]))
}

interface Carried {
  readonly draft: IncomingObject
  readonly current: CachedObject
  readonly change: Change
}

/** Defaulting, admission, preparation, validation, commit: the order that hooks cannot change. */
async function carryThrough(scope: WriteScope, { draft, current, change }: Carried): Promise<Encoded> {
  const { kind } = scope
  const rules = rulesOf(scope)
  const old = viewOf(kind, current).object
  const { differences } = kind
  const part = change.part ?? wholeObject
  let next = part(scope, keepSystemMetadata(draft, old), old)
  const isStatus = scope.call.subresource === 'status'
  // Status has no defaults, and everything else is shared with the old object.
  if (!isStatus) differences.defaults?.(next, rules)
  const admitted = await mutated(scope, { operation: 'UPDATE', object: next, oldObject: old })
  if (admitted !== next) {
    next = part(scope, keepSystemMetadata(structuredClone(admitted) as IncomingObject, old), old)
    if (!isStatus) differences.defaults?.(next, rules)
  }
  if (change.part === undefined) differences.prepareForUpdate?.(next, old, rules)
  else if (isStatus) differences.prepareForStatusUpdate?.(next, old, rules)
  countGeneration(scope, next, old)
  return withReservation(scope, { draft: next, old }, () => {
    checkValid(scope, next, old)
    const object = (change.track ?? trackedUpdate)(scope, next, old)
    return withAdmission(scope, { operation: 'UPDATE', object, oldObject: old }, () => store(scope, object, current))
  })
}

/** What only the server writes stays as it is. */
function keepSystemMetadata(draft: IncomingObject, old: JsonObject): IncomingObject {
  const metadata = old.metadata as JsonObject
  for (const key of SYSTEM_METADATA) {
    if (metadata[key] === undefined) delete draft.metadata[key]
    else draft.metadata[key] = metadata[key] as IncomingObject['metadata'][string]
  }
  delete draft.metadata.resourceVersion
  delete draft.metadata.selfLink
  return draft
}

const SYSTEM_METADATA = [
  'uid',
  'creationTimestamp',
  'generation',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generateName',
] as const

/** The main endpoint writes everything but status. */
const wholeObject: Part = ({ kind }, draft, old) => {
  if (!kind.info.subresources.some(({ name }) => name === 'status')) return draft
  if (old.status === undefined) delete draft.status
  else draft.status = old.status as IncomingObject[string]
  return draft
}

/** Generation counts the changes of what users ask for: everything but metadata and status. */
function countGeneration({ kind }: WriteScope, draft: IncomingObject, old: JsonObject): void {
  if (!kind.differences.hasGeneration) return
  const before = Number((old.metadata as JsonObject).generation ?? 0)
  draft.metadata.generation = sameMeaning(wishesOf(draft), wishesOf(old)) ? before : before + 1
  if (draft.metadata.generation === 0) delete draft.metadata.generation
}

const wishesOf = ({ apiVersion: _, kind: __, metadata: ___, status: ____, ...wishes }: JsonObject): JsonObject => wishes

async function store(scope: WriteScope, object: IncomingObject, current: CachedObject): Promise<Encoded> {
  const { kind } = scope
  if (isFinallyGone(scope, object)) return removed(scope, object, current)
  const inStoredVersion = kind.conversion ? kind.conversion.toStored(object) : object
  if (isUnchanged(current, inStoredVersion)) return viewOf(kind, current)
  if (isDryRun(scope)) {
    return encodedOf({ ...object, metadata: { ...object.metadata, resourceVersion: String(current.revision) } })
  }
  const write = {
    key: current.key,
    object: inStoredVersion,
    stored: storedBytes(inStoredVersion),
    ifRevision: current.revision,
  }
  return viewOf(kind, await commitObject(scope, write))
}

/** A write that changes nothing makes no revision, so that re-applying wakes nobody. */
function isUnchanged(current: CachedObject, object: JsonObject): boolean {
  const { resourceVersion: _, ...metadata } = current.object.metadata as JsonObject
  return deepEqual({ ...current.object, metadata }, object)
}

/** The last finalizer is gone from an object that waits to be deleted. */
function isFinallyGone({ kind }: WriteScope, { metadata, ...rest }: IncomingObject): boolean {
  if (!metadata.deletionTimestamp || (metadata.deletionGracePeriodSeconds ?? 0) !== 0) return false
  if (Array.isArray(metadata.finalizers) && metadata.finalizers.length > 0) return false
  return kind.differences.isFinal?.({ metadata, ...rest } as JsonObject) ?? true
}

async function removed(scope: WriteScope, object: IncomingObject, current: CachedObject): Promise<Encoded> {
  if (isDryRun(scope)) return encodedOf(object)
  const revision = await commitDeletion(scope, current)
  await scope.kind.differences.release?.(current.object, scope)
  return encodedOf({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } })
}
