import { Node, Service, type ServicePort } from '../api/core-v1/types.ts'
import type { Client } from '../client/client.ts'
import type { InformerFactory } from '../client/informer.ts'
import type { Clock } from '../machinery/clock.ts'
import type { Component } from '../machinery/component.ts'
import type { Logger } from '../machinery/logger.ts'
import { machineAddressOf } from '../machinery/machine-address.ts'
import { keyOf } from '../machinery/object.ts'
import { isStatusError } from '../machinery/status.ts'

const RETRY_MS = 1000

export interface LoadBalancerStatusDependencies {
  readonly client: Client
  readonly informers: InformerFactory
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Stands in for a cloud: gives Services of type LoadBalancer the addresses of the machines. A port of the machines goes
 * to one Service only, the oldest that asks; others stay pending. Services that name a class are somebody else's.
 */
export function loadBalancerStatus(
  { client, informers, clock, logger }: LoadBalancerStatusDependencies,
  {
    reservedPorts,
  }: {
    /** TCP ports that the machines need themselves, such as that of the API. */ readonly reservedPorts: readonly number[]
  },
): Component {
  const services = informers.informer(Service)
  const nodes = informers.informer(Node)
  return {
    name: 'load-balancer-status',
    async run(signal) {
      let changed = Promise.withResolvers<void>()
      using _services = services.subscribe(() => changed.resolve())
      using _nodes = nodes.subscribe(() => changed.resolve())
      signal.addEventListener('abort', () => changed.resolve(), { once: true })
      await Promise.all([services.whenSynced(signal), nodes.whenSynced(signal)]).catch(() => {})
      while (!signal.aborted) {
        changed = Promise.withResolvers()
        try {
          for (const update of statusUpdates(services.list(), nodes.list(), reservedPorts)) await write(client, update)
          if (!signal.aborted) await changed.promise
        } catch (error) {
          logger.warn({ err: error }, 'cannot write the status of a load balancer')
          await clock.sleep(RETRY_MS, signal).catch(() => {})
        }
      }
    },
  }
}

export interface StatusUpdate {
  readonly service: Service
  readonly addresses: readonly string[]
}

async function write(client: Client, { service, addresses }: StatusUpdate): Promise<void> {
  const loadBalancer = addresses.length > 0 ? { ingress: addresses.map(ip => ({ ip })) } : null
  try {
    await client.patch(Service, keyOf(service), {
      type: 'merge',
      body: { status: { loadBalancer } },
      subresource: 'status',
    })
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error // Deleted meanwhile.
  }
}

/** Which Services have a status other than they should. Pure. */
export function statusUpdates(
  services: readonly Service[],
  nodes: readonly Node[],
  reservedPorts: readonly number[],
): readonly StatusUpdate[] {
  const machines = nodes.flatMap(node => machineAddressOf(node) ?? []).sort()
  const taken = new Set(reservedPorts.map(port => portText({ port })))
  const byAge = [...services].filter(({ spec }) => !spec.loadBalancerClass).sort(byCreation)
  return byAge.flatMap(service => {
    const wanted = wantsAddresses(service, taken) ? machines : []
    if (wanted.length > 0) for (const port of service.spec.ports ?? []) taken.add(portText(port))
    const given = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? [])
    return given.join() === wanted.join() ? [] : [{ service, addresses: wanted }]
  })
}

const wantsAddresses = ({ spec, metadata }: Service, taken: ReadonlySet<string>): boolean =>
  spec.type === 'LoadBalancer' &&
  !metadata.deletionTimestamp &&
  !(spec.ports ?? []).some(port => taken.has(portText(port)))

const portText = ({ port, protocol = 'TCP' }: Pick<ServicePort, 'port' | 'protocol'>): string => `${protocol} ${port}`

function byCreation({ metadata: a }: Service, { metadata: b }: Service): number {
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp < b.creationTimestamp ? -1 : 1
  return `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1
}
