import type { Namespace, Node, Pod, Service } from '../../src/api/core-v1/types.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '../../src/api/discovery-v1/types.ts'

let revision = 0

const metadata = (namespace: string, name: string) => ({
  namespace,
  name,
  uid: `${namespace}-${name}`,
  resourceVersion: String(++revision),
  creationTimestamp: '2026-01-01T00:00:00Z',
})

export interface ServiceOptions {
  readonly namespace?: string
  readonly annotations?: Service['metadata']['annotations']
  readonly spec?: Service['spec']
  readonly status?: Service['status']
}

export const serviceObject = (name: string, options: ServiceOptions = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    ...metadata(options.namespace ?? 'default', name),
    ...(options.annotations && { annotations: options.annotations }),
  },
  spec: {
    type: 'ClusterIP',
    ports: [{ name: 'web', port: 80, protocol: 'TCP', targetPort: 8080 }],
    selector: { app: name },
    ...options.spec,
  },
  status: options.status ?? {},
})

/** A headless Service. */
export const headlessObject = (name: string, options: ServiceOptions = {}): Service =>
  serviceObject(name, { ...options, spec: { clusterIP: 'None', clusterIPs: ['None'], ...options.spec } })

export interface SliceOptions {
  readonly namespace?: string
  readonly suffix?: string
  readonly addressType?: EndpointSlice['addressType']
  readonly ports?: readonly EndpointPort[]
}

export const sliceObject = (
  service: string,
  endpoints: readonly Endpoint[],
  options: SliceOptions = {},
): EndpointSlice => {
  const meta = metadata(options.namespace ?? 'default', `${service}-${options.suffix ?? 'a'}`)
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...meta, labels: { 'kubernetes.io/service-name': service } },
    addressType: options.addressType ?? 'IPv4',
    ports: options.ports ?? [{ name: 'web', port: 8080, protocol: 'TCP' }],
    endpoints,
  }
}

export const endpoint = (
  address: string,
  hostname?: string,
  conditions: Endpoint['conditions'] = { ready: true },
): Endpoint => ({
  addresses: [address],
  conditions,
  ...(hostname && { hostname }),
})

export const podObject = (name: string, address: string, spec: Partial<Pod['spec']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: metadata('default', name),
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  status: { podIP: address, podIPs: [{ ip: address }] },
})

export const namespaceObject = (name: string): Namespace => {
  const { namespace: _, ...meta } = metadata('', name)
  return { apiVersion: 'v1', kind: 'Namespace', metadata: meta, spec: {}, status: {} }
}

export interface NodeOptions {
  readonly address: string
  readonly podCIDR?: string
}

export const nodeObject = (name: string, { address, podCIDR }: NodeOptions): Node => {
  const { namespace: _, ...meta } = metadata('', name)
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: meta,
    spec: podCIDR ? { podCIDR, podCIDRs: [podCIDR] } : {},
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: name },
      ],
    },
  }
}
