import { Endpoints, Service } from '../../api/core-v1/types.ts'
import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import type { Kind, KubernetesObject, Unsaved } from '../../api/kind.ts'
import type { Client } from '../../client/client.ts'
import type { InformerFactory } from '../../client/informer.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { Component } from '../../machinery/component.ts'
import type { Logger } from '../../machinery/logger.ts'
import { SERVICE_NAME_LABEL } from '../../machinery/service-endpoints.ts'
import { isStatusError } from '../../machinery/status.ts'

/** What everyone calls the Service of the cluster's DNS; tools look for it under this name. */
const NAME = 'kube-dns'
const NAMESPACE = 'kube-system'
const LABELS = { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' }
const PORTS = [
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, protocol: 'TCP' },
] as const
const RETRY_MS = 1000

export interface ClusterDnsServiceDependencies {
  readonly client: Client
  readonly informers: InformerFactory
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Keeps the Service of the cluster DNS there. It has no Pods behind it: every machine holds the Service's address
 * itself and answers its own Pods, so that its only endpoint is that same address. Any number of machines may run this.
 */
export function clusterDnsService(
  { client, informers, clock, logger }: ClusterDnsServiceDependencies,
  { address }: { address: string },
): Component {
  const services = informers.informer(Service)
  const missing = (): boolean => services.get({ namespace: NAMESPACE, name: NAME }) === undefined
  return {
    name: 'cluster-dns-service',
    async run(signal) {
      let changed = Promise.withResolvers<void>()
      using _subscription = services.subscribe(({ object: { metadata } }) => {
        if (metadata.name === NAME && metadata.namespace === NAMESPACE) changed.resolve()
      })
      signal.addEventListener('abort', () => changed.resolve(), { once: true })
      await services.whenSynced(signal).catch(() => {})
      while (!signal.aborted) {
        changed = Promise.withResolvers() // Before looking: what happens from here on wakes us.
        try {
          if (missing()) await createAll(client, address)
          if (!signal.aborted) await changed.promise
        } catch (error) {
          logger.warn({ err: error }, 'cannot write the Service of the cluster DNS')
          await clock.sleep(RETRY_MS, signal).catch(() => {})
        }
      }
    },
  }
}

async function createAll(client: Client, address: string): Promise<void> {
  await ensure(client, Service, serviceAt(address))
  await ensure(client, Endpoints, endpointsAt(address))
  await ensure(client, EndpointSlice, sliceAt(address))
}

/** Others may have been faster; what is there stays as it is, also when a person changed it. */
async function ensure<T extends KubernetesObject>(client: Client, kind: Kind<T>, object: Unsaved<T>): Promise<void> {
  try {
    await client.create(kind, object)
  } catch (error) {
    if (!isStatusError(error, 'AlreadyExists')) throw error
  }
}

const serviceAt = (address: string): Unsaved<Service> => ({
  metadata: { name: NAME, namespace: NAMESPACE, labels: LABELS },
  spec: {
    clusterIP: address,
    clusterIPs: [address],
    type: 'ClusterIP',
    ports: PORTS.map(port => ({ ...port, targetPort: port.port })),
  },
})

const endpointsAt = (address: string): Unsaved<Endpoints> => ({
  // The slice beside it says the same: it need not be mirrored.
  metadata: {
    name: NAME,
    namespace: NAMESPACE,
    labels: { ...LABELS, 'endpointslice.kubernetes.io/skip-mirror': 'true' },
  },
  subsets: [{ addresses: [{ ip: address }], ports: PORTS }],
})

const sliceAt = (address: string): Unsaved<EndpointSlice> => ({
  metadata: {
    name: NAME,
    namespace: NAMESPACE,
    labels: { ...LABELS, [SERVICE_NAME_LABEL]: NAME, 'endpointslice.kubernetes.io/managed-by': 'holdfast' },
  },
  addressType: 'IPv4',
  ports: PORTS,
  endpoints: [{ addresses: [address], conditions: { ready: true, serving: true, terminating: false } }],
})
