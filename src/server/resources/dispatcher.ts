import type { ApiCall } from '../../machinery/api-call.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { methodNotSupported, noSuchPath } from '../../machinery/status.ts'
import type { CallContext, Encoded, EncodedList, EncodedWatch, Registry, Resource } from '../../registry/resource.ts'
import { type VirtualResources, virtualKey } from './virtual-resource.ts'

/** Finds who answers a call. Whether the caller may make it has been decided before. */
export class Dispatcher {
  readonly #registry: Registry
  readonly #virtual: VirtualResources

  constructor(registry: Registry, virtual: VirtualResources) {
    this.#registry = registry
    this.#virtual = virtual
  }

  /** Throws NotFound when the path names nothing that is served, MethodNotAllowed when the resource has no such verb. */
  resourceFor(call: ApiCall): Resource {
    const resource = this.#registry.find(call.group, call.version, call.resource)
    if (!resource) throw noSuchPath()
    const { info } = resource
    const isOfOne = call.name !== undefined
    if (call.namespace !== undefined && !info.namespaced) throw noSuchPath()
    if (info.namespaced && isOfOne && call.namespace === undefined) throw noSuchPath()
    const offered = call.subresource ? info.subresources.find(({ name }) => name === call.subresource) : info
    if (!offered) throw noSuchPath()
    if (!offered.verbs.includes(call.verb) || !fitsPath(call))
      throw methodNotSupported({ group: call.group, resource: call.resource }, call.verb)
    return resource
  }

  /** Every verb but list and watch. */
  handle(call: ApiCall, context: CallContext): Promise<Encoded> {
    const virtual = this.#virtual.get(virtualKey(call))
    if (!virtual) return this.resourceFor(call).handle(call, context)
    if (call.verb !== 'create') throw methodNotSupported({ group: call.group, resource: call.resource }, call.verb)
    return encodedOnce(virtual(call, context))
  }

  list(call: ApiCall, context: CallContext): Promise<EncodedList> {
    return this.resourceFor(call).list(call, context)
  }

  watch(call: ApiCall, context: CallContext & { readonly signal: AbortSignal }): EncodedWatch {
    return this.resourceFor(call).watch(call, context)
  }
}

const ON_COLLECTIONS: ReadonlySet<string> = new Set(['create', 'list', 'watch', 'deletecollection'])

/** An object is created at the path of its collection, and changed at its own. */
const fitsPath = ({ verb, name, subresource }: ApiCall): boolean =>
  subresource !== undefined || ON_COLLECTIONS.has(verb) === (name === undefined)

/** For what has one reader only. */
async function encodedOnce(made: JsonObject | Promise<JsonObject>): Promise<Encoded> {
  const object = await made
  return { object, json: () => Buffer.from(JSON.stringify(object)) }
}
