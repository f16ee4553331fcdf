import type { ApiCall } from '../../machinery/api-call.ts'
import type { Encoded } from '../resource.ts'
import { noSuchObject, type ServedKind, storeKeyOf } from '../served-kind.ts'
import { findObject, type ReadEnvironment } from './list-objects.ts'
import { viewOf } from './version-view.ts'

/** GET. Throws 404 when it is not there. */
export async function findObjectOf(kind: ServedKind, call: ApiCall, environment: ReadEnvironment): Promise<Encoded> {
  const key = storeKeyOf(kind, { namespace: call.namespace, name: call.name! })
  const object = await findObject(kind, { key, options: call.options }, environment)
  if (!object) throw noSuchObject(kind, call.name!)
  return viewOf(kind, object)
}
