import { unsupportedMediaType } from '../../machinery/status.ts'
import type { Encoded } from '../resource.ts'
import type { Change } from './update-object.ts'
import type { WriteScope } from './write-environment.ts'

/** Server-side apply (KEP-555). */
export async function applyObject(_scope: WriteScope, _change: Partial<Change>): Promise<Encoded> {
  throw unsupportedMediaType(['application/json-patch+json', 'application/merge-patch+json'])
}
