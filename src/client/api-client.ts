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
export function apiClient(transport: ApiTransport, defaults: { readonly fieldManager?: string } = {}): Client {
  const call = <T extends KubernetesObject>(kind: Kind<T>, verb: ApiCall['verb'], rest: Partial<ApiCall>): ApiCall => ({
    verb,
    group: kind.group,
    version: kind.version,
    resource: kind.plural,
    ...rest,
  })
  const writing = (options: WriteOptions = {}): CallOptions => ({ ...defaults, ...options })
  const asKind = <T extends KubernetesObject>(answer: JsonObject): T => answer as unknown as T

  const update = async <T extends KubernetesObject>(
    kind: Kind<T>,
    object: T,
    { subresource, ...options }: WriteOptions & { subresource?: string },
  ): Promise<T> =>
    asKind(
      await transport.request(
        call(kind, 'update', {
          ...(kind.namespaced && { namespace: object.metadata.namespace! }),
          ...(subresource && { subresource }),
          name: object.metadata.name,
          body: object as unknown as JsonValue,
          options: writing(options),
        }),
      ),
    )

  const get = async <T extends KubernetesObject>(kind: Kind<T>, key: ObjectKey): Promise<T> =>
    asKind(await transport.request(call(kind, 'get', key)))

  return {
    transport,
    get,
    async find(kind, key) {
      try {
        return await get(kind, key)
      } catch (error) {
        if (isStatusError(error, 'NotFound')) return undefined
        throw error
      }
    },
    list: (kind, options = {}) => listOf(transport, kind, options),
    async *watch<T extends KubernetesObject>(kind: Kind<T>, { namespace, signal, ...options }: WatchOptions) {
      const watchCall = call(kind, 'watch', { ...(namespace && { namespace }), options })
      for await (const { type, object } of transport.watch(watchCall, signal)) {
        yield { type, object: asKind<T>(object) } satisfies ChangeEvent<T>
      }
    },
    async create<T extends KubernetesObject>(kind: Kind<T>, object: Unsaved<T>, options?: WriteOptions) {
      const { namespace } = object.metadata
      const body = { apiVersion: kind.apiVersion, kind: kind.kind, ...object } as unknown as JsonValue
      return asKind<T>(
        await transport.request(
          call(kind, 'create', { ...(kind.namespaced && namespace && { namespace }), body, options: writing(options) }),
        ),
      )
    },
    update: (kind, object, options = {}) => update(kind, object, options),
    updateStatus: (kind, object, options = {}) => update(kind, object, { ...options, subresource: 'status' }),
    async patch(kind, key, { type, body, subresource }: Patch, options) {
      const rest = { ...key, ...(subresource && { subresource }), body, patchType: type, options: writing(options) }
      return asKind(await transport.request(call(kind, 'patch', rest)))
    },
    async delete(kind, key, options = {}) {
      await transport.request(call(kind, 'delete', { ...key, ...deleteBody(options) }))
    },
    async deleteCollection(kind, { namespace, labelSelector, fieldSelector, ...options }) {
      const selectors = { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) }
      const { body, options: flags } = deleteBody(options)
      const rest = { ...(namespace && { namespace }), body, options: { ...flags, ...selectors } }
      await transport.request(call(kind, 'deletecollection', rest))
    },
    createSubresource: (kind, key, { subresource, body }) =>
      transport.request(call(kind, 'create', { ...key, subresource, body, options: writing() })),
  }
}

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
