import type { ApiCall, ApiTransport, WatchEvent } from '../../machinery/api-call.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { serviceUnavailable } from '../../machinery/status.ts'
import type { UserInfo } from '../../registry/resource.ts'
import type { Attributes, Authorizer } from '../authorization/authorizer.ts'
import { requireAllowed } from '../authorization/forbidden.ts'
import { selectedName } from '../authorization/selected-name.ts'
import { effectiveDeleteBody } from './delete-options.ts'
import type { Dispatcher } from './dispatcher.ts'
import { listMetadata } from './representation.ts'

export interface InProcessDependencies {
  readonly dispatcher: Dispatcher
  readonly authorizer: Authorizer
  readonly clock: Clock
  /** Aborted when the server closes: nobody is served from then on. */
  readonly closing: AbortSignal
}

/** Calls without HTTP or JSON in between: the same rules, the same registry, and the registry's own objects come back. */
export function inProcessTransport(user: UserInfo, dependencies: InProcessDependencies): ApiTransport {
  const { dispatcher, authorizer, clock, closing } = dependencies
  const context = { user, warn: () => {} }
  const checkOpen = (): void => {
    if (closing.aborted) throw serviceUnavailable('the server is shutting down')
  }
  return {
    async request(call, signal) {
      signal?.throwIfAborted()
      checkOpen()
      requireAllowed(authorizer, attributesOf(call, user))
      if (call.verb !== 'list')
        return (await dispatcher.handle(withDeleteBody(call), { ...context, ...(signal && { signal }) })).object
      const list = await dispatcher.list(call, { ...context, ...(signal && { signal }) })
      const { group, version, kind } = dispatcher.resourceFor(call).info
      return {
        kind: `${kind}List`,
        apiVersion: group ? `${group}/${version}` : version,
        metadata: listMetadata(list),
        items: list.items.map(({ object }) => object),
      } satisfies JsonObject
    },

    async *watch(call, signal) {
      if (signal.aborted) return
      checkOpen()
      requireAllowed(authorizer, attributesOf(call, user))
      const ended = new AbortController()
      const timeoutMs = (call.options?.timeoutSeconds ?? 0) * 1000
      const end = (): void => ended.abort()
      using _timer = timeoutMs > 0 ? clock.schedule(timeoutMs, end) : undefined
      const both = AbortSignal.any([signal, closing, ...(timeoutMs > 0 ? [ended.signal] : [])])
      try {
        for await (const { type, encoded } of dispatcher.watch(call, { ...context, signal: both })) {
          yield { type, object: encoded.object } satisfies WatchEvent
        }
      } catch (error) {
        if (!both.aborted) throw error
      }
      if (!signal.aborted) checkOpen()
    },
  }
}

const withDeleteBody = (call: ApiCall): ApiCall =>
  call.verb === 'delete' || call.verb === 'deletecollection' ? effectiveDeleteBody(call) : call

function attributesOf(call: ApiCall, user: UserInfo): Attributes {
  const { verb, group, version, resource, subresource = '', namespace = '', name = '' } = call
  const isNamespace = group === '' && resource === 'namespaces'
  return {
    isResource: true,
    user,
    verb,
    group,
    version,
    resource,
    subresource,
    namespace: isNamespace ? name : namespace,
    name: name || selectedName(verb, call.options?.fieldSelector),
  }
}
