import type { Scale } from '../../api/autoscaling-v1/types.ts'
import type { LabelSelector, ObjectMeta } from '../../api/meta-v1/types.ts'
import { invalid } from '../../machinery/field-error.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { isJsonObject } from '../../machinery/merge-patch.ts'
import type { Schema } from '../../machinery/schema.ts'
import { labelSelectorText } from '../../machinery/selectors.ts'
import { badRequest, invalidObject, methodNotSupported } from '../../machinery/status.ts'
import { encodedOf } from '../cache/cached-object.ts'
import type { SubresourceHandler } from '../kind-definition.ts'
import { findObjectOf } from '../read/get-object.ts'
import { resourceNameOf } from '../served-kind.ts'
import { patched } from '../write/patch-object.ts'
import { changeObject, PATCH_ATTEMPTS_MAX } from '../write/update-object.ts'

/** How a scale reads and writes its object. */
export interface ScaleAccess {
  replicas(object: JsonObject): number | undefined
  statusReplicas(object: JsonObject): number | undefined
  selector(object: JsonObject): string | undefined
  withReplicas(object: JsonObject, replicas: number): JsonObject
}

interface Scaled {
  readonly spec?: { readonly replicas?: number }
  readonly status?: { readonly replicas?: number }
}

/** The scale of workloads that count in `spec.replicas` and `status.replicas`. */
export function scaleOf<T>(how: { selector(object: T): LabelSelector | undefined }): SubresourceHandler {
  return scaleBy({
    replicas: object => (object as Scaled).spec?.replicas,
    statusReplicas: object => (object as Scaled).status?.replicas,
    selector(object) {
      // The registry hands a kind's handlers objects of that kind only.
      const selector = how.selector(object as unknown as T)
      return selector && labelSelectorText(selector)
    },
    withReplicas: (object, replicas) => ({ ...object, spec: { ...(object.spec as JsonObject), replicas } }),
  })
}

/** GET, PUT and PATCH of `…/scale` (autoscaling/v1 Scale). */
export function scaleBy(access: ScaleAccess): SubresourceHandler {
  return async (kind, call, { context, environment }) => {
    const scope = { kind, call: { ...call, subresource: 'scale' }, context, environment }
    const scaleOfObject = (object: JsonObject): JsonObject => scaleObject(access, object)
    if (call.verb === 'get') return encodedOf(scaleOfObject((await findObjectOf(kind, call, environment)).object))
    if (call.verb !== 'update' && call.verb !== 'patch') throw methodNotSupported(resourceNameOf(kind), call.verb)
    const written = await changeObject(scope, {
      ...(call.verb === 'patch' && { attemptsMax: PATCH_ATTEMPTS_MAX }),
      propose(current) {
        const asked =
          call.verb === 'patch' ? patched(call, { current: scaleOfObject(current), schema: SCALE_SCHEMA }) : call.body
        return scaledObject(access, current, asked)
      },
    })
    return encodedOf(scaleOfObject(written.object))
  }
}

function scaleObject(access: ScaleAccess, object: JsonObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata as ObjectMeta
  const selector = access.selector(object)
  const scale: Scale = {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as Scale['metadata'],
    spec: { replicas: access.replicas(object) ?? 0 },
    status: { replicas: access.statusReplicas(object) ?? 0, ...(selector && { selector }) },
  }
  return scale as unknown as JsonObject
}

/** The object with the replicas of the scale, under the revision and uid that the scale names. */
function scaledObject(access: ScaleAccess, current: JsonObject, scale: JsonValue | undefined): JsonObject {
  if (!isJsonObject(scale)) throw badRequest('a Scale is a JSON object')
  const { metadata = {}, spec = {} } = scale as { metadata?: ObjectMeta; spec?: { replicas?: JsonValue } }
  const replicas = spec?.replicas ?? 0
  if (typeof replicas !== 'number' || !Number.isInteger(replicas)) {
    throw badRequest(
      'Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal into Go struct field ScaleSpec.spec.replicas of type int32',
    )
  }
  const { name } = current.metadata as ObjectMeta
  if (replicas < 0) {
    const errors = [invalid('spec.replicas', replicas, 'must be greater than or equal to 0')]
    throw invalidObject({ group: 'autoscaling', kind: 'Scale' }, name!, errors)
  }
  if (metadata.name && metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
  }
  const { resourceVersion: _, uid, ...kept } = current.metadata as ObjectMeta
  const asserted = {
    ...(metadata.resourceVersion && { resourceVersion: metadata.resourceVersion }),
    uid: metadata.uid || uid,
  }
  return access.withReplicas({ ...current, metadata: { ...kept, ...asserted } as unknown as JsonObject }, replicas)
}

/** A Scale has no lists, so a strategic merge of one is a plain merge. */
const SCALE_SCHEMA: Schema = {
  type: 'object',
  properties: new Map(),
  required: [],
  listType: 'atomic',
  listMapKeys: [],
  atomicMap: false,
  mergeList: false,
  replaces: false,
  retainsKeys: false,
  preservesUnknown: true,
}
