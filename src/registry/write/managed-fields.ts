import type { JsonObject } from '../../machinery/json.ts'
import type { IncomingObject } from './read-body.ts'
import type { WriteScope } from './write-environment.ts'

/** Records that this write made every field of a new object. */
export function trackedCreate(_scope: WriteScope, draft: IncomingObject): IncomingObject {
  return draft
}

/** Records which fields this write changed. */
export function trackedUpdate(_scope: WriteScope, draft: IncomingObject, _old: JsonObject): IncomingObject {
  return draft
}
