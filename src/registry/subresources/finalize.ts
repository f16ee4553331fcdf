import { methodNotSupported } from '../../machinery/status.ts'
import type { SubresourceHandler } from '../kind-definition.ts'
import { resourceNameOf } from '../served-kind.ts'
import type { IncomingObject } from '../write/read-body.ts'
import { type Part, updateObject } from '../write/update-object.ts'

/** `namespaces/finalize`: the only way to take finalizers out of a namespace's spec. */
export const finalize: SubresourceHandler = (kind, call, { context, environment }) => {
  if (call.verb !== 'update') throw methodNotSupported(resourceNameOf(kind), call.verb)
  return updateObject({ kind, call, context, environment }, call.body, { part: specFinalizers })
}

const specFinalizers: Part = (_scope, draft, old) => {
  const { resourceVersion: _, ...metadata } = old.metadata as IncomingObject['metadata']
  const next = structuredClone({ ...old, metadata }) as IncomingObject
  const { finalizers } = (draft.spec ?? {}) as { finalizers?: IncomingObject[string] }
  next.spec = finalizers === undefined ? {} : { finalizers }
  return next
}
