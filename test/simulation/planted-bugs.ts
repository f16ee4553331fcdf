import type { Pod } from '../../src/api/core-v1/types.ts'
import type { ApiCall, ApiTransport, WatchEvent } from '../../src/machinery/api-call.ts'
import type { JsonObject } from '../../src/machinery/json.ts'
import type { Between } from '../../src/testing/control-components.ts'

/** Changes every object of a resource on its way to a component: what it then believes is not so. */
export function believing(
  components: readonly string[],
  resource: string,
  seen: (object: JsonObject) => JsonObject,
): Between {
  return (component, transport) => {
    if (!components.includes(component)) return transport
    return {
      async request(call, signal) {
        const answer = await transport.request(call, signal)
        if (call.resource !== resource || call.subresource) return answer
        if (call.verb === 'list') return { ...answer, items: (answer.items as JsonObject[]).map(seen) }
        return call.verb === 'get' ? seen(answer) : answer
      },
      async *watch(call, signal) {
        for await (const event of transport.watch(call, signal)) {
          const isMeant = call.resource === resource && event.type !== 'BOOKMARK'
          yield isMeant ? { ...event, object: seen(event.object) } : event
        }
      },
    }
  }
}

/** Changes calls of a component, or makes others beside them. */
export const calling =
  (
    isMeant: (component: string) => boolean,
    request: (call: ApiCall, transport: ApiTransport) => Promise<JsonObject>,
  ): Between =>
  (component, transport) =>
    isMeant(component)
      ? { request: call => request(call, transport), watch: (call, signal) => transport.watch(call, signal) }
      : transport

const SETS = 'statefulset-controller'
export const isSets = (component: string): boolean => component === SETS

export const withSpec = (object: JsonObject, change: (spec: JsonObject) => object): JsonObject =>
  ({ ...object, spec: { ...(object.spec as JsonObject), ...change(object.spec as JsonObject) } }) as JsonObject

export const isPodDeletion = ({ verb, resource }: ApiCall): boolean => verb === 'delete' && resource === 'pods'

/** Bugs on purpose, of kinds that were real somewhere. None of this is in the product: each stands between parts of it. */
export const plantedBugs: Readonly<Record<string, Between>> = {
  'Pods count as ready before they are': believing(['informers'], 'pods', object => {
    const { conditions = [], ...status } = (object as unknown as Pod).status ?? {}
    const ready = [...conditions.filter(({ type }) => type !== 'Ready'), { type: 'Ready', status: 'True' }]
    return { ...object, status: { ...status, phase: 'Running', conditions: ready } } as unknown as JsonObject
  }),
  'the order of Pods is not kept': believing(['informers'], 'statefulsets', object =>
    withSpec(object, () => ({ podManagementPolicy: 'Parallel' })),
  ),
  'the partition is not respected': believing(['informers'], 'statefulsets', object =>
    withSpec(object, () => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } } })),
  ),
  'more Pods are replaced at a time than may be': believing(['informers'], 'statefulsets', object =>
    withSpec(object, ({ updateStrategy }) => {
      const { rollingUpdate, ...strategy } = updateStrategy as { readonly rollingUpdate?: object }
      return { updateStrategy: { ...strategy, rollingUpdate: { ...rollingUpdate, maxUnavailable: '100%' } } }
    }),
  ),
  'minReadySeconds is skipped': believing(['informers'], 'statefulsets', object =>
    withSpec(object, () => ({ minReadySeconds: 0 })),
  ),
  'Pods are deleted by force, without proof that they ended': calling(isSets, (call, transport) =>
    transport.request(
      isPodDeletion(call) ? { ...call, body: { ...(call.body as JsonObject), gracePeriodSeconds: 0 } } : call,
    ),
  ),
  'the kubelet lets go of a Pod whose containers still run': calling(
    component => component.startsWith('kubelet'),
    async (call, transport) => {
      const answer = await transport.request(call)
      const { deletionTimestamp } = (answer.metadata ?? {}) as { deletionTimestamp?: string }
      const { namespace, name } = call
      if (call.resource === 'pods' && call.subresource === 'status' && deletionTimestamp && namespace && name) {
        const { group, version, resource } = call
        const body = { gracePeriodSeconds: 0 }
        await transport.request({ verb: 'delete', group, version, resource, namespace, name, body }).catch(() => {})
      }
      return answer
    },
  ),
  'a claim goes with its Pod': calling(isSets, async (call, transport) => {
    const answer = await transport.request(call)
    if (isPodDeletion(call)) {
      const claim = { group: '', version: 'v1', resource: 'persistentvolumeclaims', namespace: call.namespace! }
      await transport.request({ ...claim, verb: 'delete', name: `data-${call.name}` }).catch(() => {})
    }
    return answer
  }),
  'status counts a Pod too many': calling(isSets, (call, transport) => {
    const { status } = (call.body ?? {}) as JsonObject
    if (call.resource !== 'statefulsets' || call.subresource !== 'status' || !status) return transport.request(call)
    const { readyReplicas = 0 } = status as { readyReplicas?: number }
    const body = {
      ...(call.body as JsonObject),
      status: { ...(status as JsonObject), readyReplicas: readyReplicas + 1 },
    }
    return transport.request({ ...call, body })
  }),
  'a watch loses an event': losingEvents(component => component === 'observer'),
  'the caches of the controllers lose an event': losingEvents(component => component === 'informers'),
  'an outdated Pod is never replaced': calling(isSets, async (call, transport) => {
    if (!isPodDeletion(call)) return transport.request(call)
    return { apiVersion: 'v1', kind: 'Status', status: 'Success' } // Said to be done, and not done.
  }),
}

const LOST_ONE_IN = 20

function losingEvents(isMeant: (component: string) => boolean): Between {
  return (component, transport) => {
    if (!isMeant(component)) return transport
    let seen = 0
    const isLost = ({ type, object }: WatchEvent): boolean =>
      type !== 'BOOKMARK' && object.kind === 'Pod' && ++seen % LOST_ONE_IN === 0
    return {
      request: (call, signal) => transport.request(call, signal),
      async *watch(call, signal) {
        for await (const event of transport.watch(call, signal)) if (!isLost(event)) yield event
      },
    }
  }
}
