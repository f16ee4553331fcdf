import { required } from '../../machinery/field-error.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { suffixFrom, uuidFrom } from '../../machinery/random.ts'
import { badRequest, invalidObject, isStatusError } from '../../machinery/status.ts'
import { timeText } from '../../machinery/time.ts'
import { StoreError } from '../../store/store.ts'
import { encodedOf } from '../cache/cached-object.ts'
import { viewOf } from '../read/version-view.ts'
import type { Encoded } from '../resource.ts'
import { decodeStatus } from '../schema/decode.ts'
import { hasSubresource, type ServedKind, storeKeyOf } from '../served-kind.ts'
import { mutated, withAdmission } from './admit.ts'
import { commitObject, statusErrorOf, storedBytes } from './commit.ts'
import { trackedCreate } from './managed-fields.ts'
import { checkPlace, type IncomingObject, readBody } from './read-body.ts'
import { withReservation } from './reserve.ts'
import { checkValid } from './validate-object.ts'
import { isDryRun, rulesOf, type WriteScope } from './write-environment.ts'

/** Attempts to find a free name for `generateName`, as upstream has it. */
const GENERATED_NAMES_MAX = 8
/** Leaves room for the suffix in a name of 63 characters. */
const GENERATE_NAME_LENGTH_MAX = 58

/** CREATE. */
export async function createObject(scope: WriteScope, body: JsonValue | undefined): Promise<Encoded> {
  const incoming = readBody(scope, body)
  if (incoming.metadata.resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created')
  checkPlace(scope, incoming)
  const isGenerated =
    !incoming.metadata.name &&
    typeof incoming.metadata.generateName === 'string' &&
    incoming.metadata.generateName !== ''
  for (let attempt = 1; ; attempt++) {
    try {
      return await createOnce(
        scope,
        attempt === GENERATED_NAMES_MAX || !isGenerated ? incoming : structuredClone(incoming),
      )
    } catch (error) {
      if (!isGenerated || attempt === GENERATED_NAMES_MAX || !isStatusError(error, 'AlreadyExists')) throw error
    }
  }
}

/** Decoded, in its place and named: the steps that nothing may reorder. */
export async function createOnce(
  scope: WriteScope,
  incoming: IncomingObject,
  tracked = trackedCreate,
): Promise<Encoded> {
  const { kind } = scope
  const rules = rulesOf(scope)
  fillMetadata(scope, incoming)
  kind.differences.defaults?.(incoming, rules)
  const admitted = await mutated(scope, { operation: 'CREATE', object: incoming, name: String(incoming.metadata.name) })
  const draft = (admitted === incoming ? incoming : structuredClone(admitted)) as IncomingObject
  if (draft !== incoming) kind.differences.defaults?.(draft, rules)
  prepareStatus(kind, draft)
  kind.differences.prepareForCreate?.(draft, rules)
  if (kind.differences.hasGeneration) draft.metadata.generation = 1
  else delete draft.metadata.generation
  return withReservation(scope, { draft }, () => {
    checkValid(scope, draft)
    const object = tracked(scope, draft)
    const subject = { operation: 'CREATE', object, name: String(object.metadata.name) } as const
    return withAdmission(scope, subject, async () => {
      const stored = await store(scope, object)
      scope.context.created?.()
      return stored
    })
  })
}

function fillMetadata({ kind, environment }: WriteScope, { metadata }: IncomingObject): void {
  if (!metadata.name && metadata.generateName) {
    const base = String(metadata.generateName).slice(0, GENERATE_NAME_LENGTH_MAX)
    metadata.name = `${base}${suffixFrom(environment.random)}`
  }
  if (!metadata.name) {
    throw invalidObject(kind.info, '', [required('metadata.name', 'name or generateName is required')])
  }
  metadata.uid = uuidFrom(environment.random)
  metadata.creationTimestamp = timeText(environment.clock.now())
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  delete metadata.selfLink
  delete metadata.resourceVersion
}

/** Only the status subresource may write status. */
function prepareStatus(kind: ServedKind, draft: IncomingObject): void {
  if (!hasSubresource(kind, 'status') || kind.differences.keepsStatusOnCreate) return
  const status = kind.schema.properties.get('status')
  if (status?.default !== undefined && !kind.isCustom)
    draft.status = decodeStatus(status, {}).object as IncomingObject[string]
  else delete draft.status
}

async function store(scope: WriteScope, object: JsonObject): Promise<Encoded> {
  const { kind } = scope
  const { name, namespace } = object.metadata as { readonly name: string; readonly namespace?: string }
  const inStoredVersion = kind.conversion ? kind.conversion.toStored(object) : object
  const key = storeKeyOf(kind, { namespace, name })
  if (isDryRun(scope)) {
    if (kind.cache.find(key)) throw statusErrorOf(new StoreError('exists', 'the key is there'), kind, name)
    return encodedOf(object)
  }
  try {
    const created = await commitObject(scope, { key, object: inStoredVersion, stored: storedBytes(inStoredVersion) })
    return viewOf(kind, created)
  } catch (error) {
    if (error instanceof StoreError) throw statusErrorOf(error, kind, name)
    throw error
  }
}
