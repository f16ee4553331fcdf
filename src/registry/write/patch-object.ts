import type { ApiCall } from '../../machinery/api-call.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { jsonPatched } from '../../machinery/json-patch.ts'
import { isJsonObject, mergePatched } from '../../machinery/merge-patch.ts'
import type { Schema } from '../../machinery/schema.ts'
import { badRequest, unsupportedMediaType } from '../../machinery/status.ts'
import { strategicMergePatched } from '../../machinery/strategic-merge-patch.ts'
import type { Encoded } from '../resource.ts'
import { applyObject } from './apply-object.ts'
import { type Change, changeObject, PATCH_ATTEMPTS_MAX } from './update-object.ts'
import type { WriteScope } from './write-environment.ts'

/** PATCH in its four kinds. */
export async function patchObject(scope: WriteScope, change: Partial<Change> = {}): Promise<Encoded> {
  const { kind, call } = scope
  if (call.patchType === 'apply') return applyObject(scope, change)
  return changeObject(scope, {
    ...change,
    attemptsMax: PATCH_ATTEMPTS_MAX,
    propose: current => patched(call, { current, schema: kind.isCustom ? undefined : kind.schema }),
  })
}

/** The object with the patch of the call applied. Without a schema there is no strategic merge. */
export function patched(
  { patchType, body }: ApiCall,
  { current, schema }: { readonly current: JsonObject; readonly schema: Schema | undefined },
): JsonValue {
  switch (patchType) {
    case 'json':
      return jsonPatched(current, body)
    case 'merge':
      if (!isJsonObject(body)) throw badRequest('a merge patch of an object is a JSON object')
      return mergePatched(current, body)
    case 'strategic':
      if (!schema) {
        throw unsupportedMediaType([
          'application/json-patch+json',
          'application/merge-patch+json',
          'application/apply-patch+yaml',
        ])
      }
      return strategicMergePatched(schema, current, body)
    default:
      throw badRequest('the patch has no type')
  }
}
