import type { ApiCall } from '../machinery/api-call.ts'
import type { JsonObject } from '../machinery/json.ts'
import { badRequest, isStatusError, methodNotSupported, noSuchPath } from '../machinery/status.ts'
import { encodedOf } from './cache/cached-object.ts'
import type { SubresourceHandler } from './kind-definition.ts'
import { findObjectOf } from './read/get-object.ts'
import { listObjects, type ReadEnvironment } from './read/list-objects.ts'
import { watchObjects } from './read/watch-objects.ts'
import type { CallContext, Encoded, EncodedList, EncodedWatch, Resource, ResourceTable } from './resource.ts'
import { apiVersionOf, resourceNameOf, type ServedKind } from './served-kind.ts'
import { status } from './subresources/status.ts'
import { tableOf } from './tables/table.ts'
import { createObject } from './write/create-object.ts'
import { deleteObject, deleteOptionsOf } from './write/delete-object.ts'
import { patchObject } from './write/patch-object.ts'
import { updateObject } from './write/update-object.ts'
import type { WriteEnvironment } from './write/write-environment.ts'

/** Deletions of a collection that run at the same time. */
const DELETIONS_AT_ONCE = 16

/** Every verb of every kind. What a kind does differently stands in its `KindDifferences`. */
export class GenericResource implements Resource {
  readonly kind: ServedKind
  readonly #environment: WriteEnvironment & ReadEnvironment

  constructor(kind: ServedKind, environment: WriteEnvironment & ReadEnvironment) {
    this.kind = kind
    this.#environment = environment
  }

  get info(): ServedKind['info'] {
    return this.kind.info
  }

  async handle(call: ApiCall, context: CallContext): Promise<Encoded> {
    const scope = { kind: this.kind, call, context, environment: this.#environment }
    this.#warn(context)
    if (call.subresource) return this.#handleSubresource(call.subresource, call, context)
    const isMisplaced = call.verb === 'create' && call.name !== undefined
    if (isMisplaced || !this.info.verbs.includes(call.verb))
      throw methodNotSupported(resourceNameOf(this.kind), call.verb)
    if (call.verb !== 'create' && call.verb !== 'deletecollection' && !call.name) throw badRequest('name is required')
    switch (call.verb) {
      case 'get':
        return findObjectOf(this.kind, call, this.#environment)
      case 'create':
        return this.kind.differences.create
          ? this.kind.differences.create(this.kind, call, { context, environment: this.#environment })
          : createObject(scope, call.body)
      case 'update':
        return updateObject(scope, call.body)
      case 'patch':
        return patchObject(scope)
      case 'delete':
        return deleteObject(scope)
      case 'deletecollection':
        return this.#deleteCollection(call, context)
      case 'list':
      case 'watch':
        throw methodNotSupported(resourceNameOf(this.kind), call.verb)
    }
  }

  list(call: ApiCall, context: CallContext): Promise<EncodedList> {
    this.#warn(context)
    if (!this.info.verbs.includes('list')) throw methodNotSupported(resourceNameOf(this.kind), 'list')
    return listObjects(this.kind, call, this.#environment)
  }

  watch(call: ApiCall, context: CallContext & { readonly signal: AbortSignal }): EncodedWatch {
    this.#warn(context)
    if (!this.info.verbs.includes('watch')) throw methodNotSupported(resourceNameOf(this.kind), 'watch')
    return watchObjects(this.kind, { call, signal: context.signal }, this.#environment)
  }

  #warn(context: CallContext): void {
    const { deprecation } = this.kind.differences
    if (deprecation) context.warn(deprecation)
  }

  table(objects: readonly JsonObject[], now: Date): ResourceTable {
    return tableOf(this.kind.differences, { objects, now })
  }

  #handleSubresource(name: string, call: ApiCall, context: CallContext): Promise<Encoded> {
    if (!this.info.subresources.some(subresource => subresource.name === name)) throw noSuchPath()
    const handlers: { readonly [name: string]: SubresourceHandler } = { status, ...this.kind.differences.subresources }
    const handler = handlers[name]
    if (!handler) throw noSuchPath()
    return handler(this.kind, call, { context, environment: this.#environment })
  }

  async #deleteCollection(call: ApiCall, context: CallContext): Promise<Encoded> {
    const options = deleteOptionsOf(call.body)
    const { limit: _, ...listOptions } = call.options ?? {}
    const { items, resourceVersion } = await this.list({ ...call, verb: 'list', options: listOptions }, context)
    const deleted: Encoded[] = []
    const pending = items.values()
    const deleteNext = async (): Promise<void> => {
      for (const item of pending) {
        const { name, namespace } = item.object.metadata as { readonly name: string; readonly namespace?: string }
        const one: ApiCall = { ...call, verb: 'delete', name, ...(namespace && { namespace }) }
        const scope = { kind: this.kind, call: one, context, environment: this.#environment }
        try {
          await deleteObject(scope, options)
          deleted.push(item)
        } catch (error) {
          if (!isStatusError(error, 'NotFound')) throw error
        }
      }
    }
    await Promise.all(Array.from({ length: DELETIONS_AT_ONCE }, deleteNext))
    return encodedOf({
      kind: `${this.info.kind}List`,
      apiVersion: apiVersionOf(this.info),
      metadata: { resourceVersion },
      items: deleted.map(({ object }) => object),
    })
  }
}
