import { methodNotSupported } from '../../machinery/status.ts'
import type { SubresourceHandler } from '../kind-definition.ts'
import { findObjectOf } from '../read/get-object.ts'
import { resourceNameOf } from '../served-kind.ts'
import { patchObject } from '../write/patch-object.ts'
import type { IncomingObject } from '../write/read-body.ts'
import { type Part, updateObject } from '../write/update-object.ts'

/** An endpoint that writes only some fields of the spec. */
export function specFields(choose: (proposed: IncomingObject, next: IncomingObject) => void): SubresourceHandler {
  const part: Part = (_scope, draft, old) => {
    const { resourceVersion: _, ...metadata } = old.metadata as IncomingObject['metadata']
    const { managedFields } = draft.metadata
    const next = structuredClone({ ...old, metadata }) as IncomingObject
    if (managedFields !== undefined) next.metadata.managedFields = managedFields
    choose(draft, next)
    return next
  }
  return (kind, call, { context, environment }) => {
    const scope = { kind, call, context, environment }
    switch (call.verb) {
      case 'get':
        return findObjectOf(kind, call, environment)
      case 'update':
        return updateObject(scope, call.body, { part })
      case 'patch':
        return patchObject(scope, { part })
      default:
        throw methodNotSupported(resourceNameOf(kind), call.verb)
    }
  }
}

/** `pods/ephemeralcontainers`: adds containers for debugging to a Pod that runs (KEP-277). */
export const ephemeralContainers: SubresourceHandler = specFields((proposed, next) => {
  const { ephemeralContainers: added } = proposed.spec as { ephemeralContainers?: IncomingObject[string] }
  const spec = next.spec as { ephemeralContainers?: IncomingObject[string] }
  if (added === undefined) delete spec.ephemeralContainers
  else spec.ephemeralContainers = added
})
