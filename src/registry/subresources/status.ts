import type { JsonObject } from '../../machinery/json.ts'
import { methodNotSupported } from '../../machinery/status.ts'
import type { SubresourceHandler } from '../kind-definition.ts'
import { findObjectOf } from '../read/get-object.ts'
import { resourceNameOf } from '../served-kind.ts'
import { patchObject } from '../write/patch-object.ts'
import type { IncomingObject } from '../write/read-body.ts'
import { type Part, updateObject } from '../write/update-object.ts'

/** The status endpoint: writes status alone; of metadata, what components note beside it. */
export const status: SubresourceHandler = (kind, call, { context, environment }) => {
  const scope = { kind, call, context, environment }
  switch (call.verb) {
    case 'get':
      return findObjectOf(kind, call, environment)
    case 'update':
      return updateObject(scope, call.body, { part: statusOnly, fields: ['status'] })
    case 'patch':
      return patchObject(scope, { part: statusOnly, fields: ['status'] })
    default:
      throw methodNotSupported(resourceNameOf(kind), call.verb)
  }
}

/** Kinds whose labels belong to users alone: a stale status writer must not bring old ones back. */
const KEEPS_LABELS = new Set(['apps', 'batch', 'policy', 'autoscaling'])

/** Everything but status stays shared with the old object: nothing after this may change it in place. */
export const statusOnly: Part = ({ kind }, draft, old) => {
  const { resourceVersion: _, ...metadata } = old.metadata as JsonObject
  const { annotations, labels, managedFields } = draft.metadata
  const keepsLabels = kind.isCustom || KEEPS_LABELS.has(kind.info.group)
  const written = keepsLabels ? {} : { annotations, labels }
  const merged = { ...metadata, ...written, ...(managedFields !== undefined && { managedFields }) } as JsonObject
  const next = { ...old, metadata: withoutUndefined(merged) } as IncomingObject
  if (draft.status === undefined) delete next.status
  else next.status = draft.status
  return next
}

const withoutUndefined = (object: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
