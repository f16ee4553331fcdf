import type { Kind, KubernetesObject, Unsaved } from '../api/kind.ts'
import type { ApiCall, ApiTransport, CallOptions } from '../machinery/api-call.ts'
import type { JsonObject, JsonValue } from '../machinery/json.ts'
import type { ObjectKey } from '../machinery/object.ts'
import { isStatusError } from '../machinery/status.ts'
import type {
  ChangeEvent,
  Client,
  DeleteOptions,
  ListOptions,
  ObjectList,
  Patch,
  WatchOptions,
  WriteOptions,
} from './client.ts'

/** Objects of one page when a whole list is asked for: large enough to be few, small enough for any server. */
const PAGE_OBJECTS = 5000

interface ListAnswer {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string }
  readonly items: readonly unknown[]
}

/** The typed client over any transport. `fieldManager` names who wrote a field, as managedFields show it. */
export const apiClient = (transport: ApiTransport, defaults: { readonly fieldManager?: string } = {}): Client =>
  new ApiClient(transport, defaults)

class ApiClient implements Client {
  readonly transport: ApiTransport
  readonly #defaults: { readonly fieldManager?: string }

  constructor(transport: ApiTransport, defaults: { readonly fieldManager?: string }) {
    this.transport = transport
    this.#defaults = defaults
  }

  get<T extends KubernetesObject>(kind: Kind<T>, key: ObjectKey): Promise<T> {
    return this.#request(kind, 'get', key)
  }

  async find<T extends KubernetesObject>(kind: Kind<T>, key: ObjectKey): Promise<T | undefined> {
    try {
      return await this.get(kind, key)
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined
      throw error
    }
  }

  list<T extends KubernetesObject>(kind: Kind<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    return listOf(this.transport, kind, options)
  }

  async *watch<T extends KubernetesObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<ChangeEvent<T>> {
    const { namespace, signal, ...rest } = options
    const call = callOf(kind, 'watch', { ...(namespace && { namespace }), options: rest })
    for await (const { type, object } of this.transport.watch(call, signal)) {
      yield { type, object: object as unknown as T } // The server answers with objects of the kind that was asked for.
    }
  }

  create<T extends KubernetesObject>(kind: Kind<T>, object: Unsaved<T>, options?: WriteOptions): Promise<T> {
    const { namespace } = object.metadata
    const body = { apiVersion: kind.apiVersion, kind: kind.kind, ...object } as unknown as JsonValue
    return this.#request(kind, 'create', {
      ...(kind.namespaced && namespace && { namespace }),
      body,
      options: this.#writing(options),
    })
  }

  update<T extends KubernetesObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T> {
    return this.#request(kind, 'update', this.#replacing(kind, object, options))
  }

  updateStatus<T extends KubernetesObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T> {
    return this.#request(kind, 'update', { ...this.#replacing(kind, object, options), subresource: 'status' })
  }

  patch<T extends KubernetesObject>(kind: Kind<T>, key: ObjectKey, patch: Patch, options?: WriteOptions): Promise<T> {
    const { type, body, subresource } = patch
    const rest = { ...key, ...(subresource && { subresource }), body, patchType: type }
    return this.#request(kind, 'patch', { ...rest, options: this.#writing(options) })
  }

  async delete<T extends KubernetesObject>(kind: Kind<T>, key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    await this.transport.request(callOf(kind, 'delete', { ...key, ...deleteBody(options) }))
  }

  async deleteCollection<T extends KubernetesObject>(
    kind: Kind<T>,
    options: ListOptions & DeleteOptions,
  ): Promise<void> {
    const { namespace, labelSelector, fieldSelector, ...deletion } = options
    const selectors = { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) }
    const { body, options: flags } = deleteBody(deletion)
    const rest = { ...(namespace && { namespace }), body, options: { ...flags, ...selectors } }
    await this.transport.request(callOf(kind, 'deletecollection', rest))
  }

  createSubresource<T extends KubernetesObject>(
    kind: Kind<T>,
    key: ObjectKey,
    { subresource, body }: { subresource: string; body: JsonObject },
  ): Promise<JsonObject> {
    return this.transport.request(callOf(kind, 'create', { ...key, subresource, body, options: this.#writing() }))
  }

  async #request<T extends KubernetesObject>(kind: Kind<T>, verb: ApiCall['verb'], rest: Partial<ApiCall>): Promise<T> {
    return (await this.transport.request(callOf(kind, verb, rest))) as unknown as T // As for watch.
  }

  #replacing<T extends KubernetesObject>(kind: Kind<T>, object: T, options?: WriteOptions): Partial<ApiCall> {
    return {
      ...(kind.namespaced && { namespace: object.metadata.namespace! }),
      name: object.metadata.name,
      body: object as unknown as JsonValue,
      options: this.#writing(options),
    }
  }

  #writing(options: WriteOptions = {}): CallOptions {
    return { ...this.#defaults, ...options }
  }
}

const callOf = (
  { group, version, plural }: Pick<Kind, 'group' | 'version' | 'plural'>,
  verb: ApiCall['verb'],
  rest: Partial<ApiCall>,
): ApiCall => ({
  verb,
  group,
  version,
  resource: plural,
  ...rest,
})

function deleteBody({ dryRun, ...options }: DeleteOptions): { body: JsonObject; options: CallOptions } {
  const { gracePeriodSeconds, propagationPolicy, preconditions } = options
  return {
    body: {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      ...(propagationPolicy && { propagationPolicy }),
      ...(preconditions && { preconditions: preconditions as JsonObject }),
    },
    options: dryRun ? { dryRun } : {},
  }
}

async function listOf<T extends KubernetesObject>(
  transport: ApiTransport,
  kind: Kind<T>,
  { namespace, ...options }: ListOptions,
): Promise<ObjectList<T>> {
  const items: T[] = []
  let token = options.continue
  for (;;) {
    const answer = (await transport.request({
      verb: 'list',
      group: kind.group,
      version: kind.version,
      resource: kind.plural,
      ...(namespace && { namespace }),
      options: { limit: PAGE_OBJECTS, ...options, ...(token && { continue: token }) },
    })) as unknown as ListAnswer
    for (const item of answer.items) items.push(item as T)
    token = answer.metadata.continue
    if (!token || options.limit !== undefined) {
      const { resourceVersion } = answer.metadata
      return token ? { resourceVersion, continue: token, items } : { resourceVersion, items }
    }
  }
}
