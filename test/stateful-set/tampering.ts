import type { ApiCall, ApiTransport } from '../../src/machinery/api-call.ts'
import type { JsonObject } from '../../src/machinery/json.ts'
import { integerBelow, type Random } from '../../src/machinery/random.ts'
import { conflict, forbiddenTo, serviceUnavailable } from '../../src/machinery/status.ts'

/** Stands between a controller and the server. */
export type Tampering = (transport: ApiTransport) => ApiTransport

const pods = { group: '', resource: 'pods' }

/** Refuses Pods beyond a number, in the words of a quota. */
export function quotaOf(podsMax: number): Tampering {
  let last: Promise<unknown> = Promise.resolve() // One Pod after the other, as the server counts them.
  return transport => ({
    ...passing(transport),
    async request(call, signal) {
      if (call.verb !== 'create' || call.resource !== 'pods') return transport.request(call, signal)
      const created = last.then(() => createWithin(podsMax, transport, call))
      last = created.catch(() => {})
      return created
    },
  })
}

async function createWithin(podsMax: number, transport: ApiTransport, call: ApiCall): Promise<JsonObject> {
  const { group, version, resource, namespace } = call
  const listed = await transport.request({ verb: 'list', group, version, resource, namespace: namespace! })
  if ((listed.items as readonly unknown[]).length >= podsMax) throw forbiddenTo(pods, nameIn(call), quotaText(podsMax))
  return transport.request(call)
}

const quotaText = (max: number): string =>
  `exceeded quota: few, requested: pods=1, used: pods=${max}, limited: pods=${max}`

const nameIn = ({ body }: ApiCall): string => ((body as JsonObject).metadata as { name: string }).name

const passing = (transport: ApiTransport): ApiTransport => ({
  request: (call, signal) => transport.request(call, signal),
  watch: (call, signal) => transport.watch(call, signal),
})

/** The connection broke: nobody knows whether the write was done. */
class LostAnswer extends Error {
  override name = 'LostAnswer'
}

const READS = new Set(['get', 'list', 'watch'])

/** While `isOn`, some writes are refused, some conflict, and of some the answer is lost, before or after they took effect. */
export function faultyWrites(random: Random, isOn: () => boolean): Tampering {
  return transport => ({
    ...passing(transport),
    async request(call, signal) {
      if (READS.has(call.verb) || call.resource === 'events' || !isOn()) return transport.request(call, signal)
      switch (integerBelow(random, 10)) {
        case 0:
          throw serviceUnavailable('the server is busy')
        case 1:
          throw conflict({ group: call.group, resource: call.resource }, call.name ?? '')
        case 2:
          throw new LostAnswer('before it took effect')
        case 3:
          await transport.request(call, signal)
          throw new LostAnswer('after it took effect')
        default:
          return transport.request(call, signal)
      }
    },
  })
}

/** While `isOn`, watches tell of changes late, so that caches are behind. */
export function lateWatches(delay: () => Promise<void>): Tampering {
  return transport => ({
    ...passing(transport),
    async *watch(call, signal) {
      for await (const event of transport.watch(call, signal)) {
        await delay()
        yield event
      }
    },
  })
}
