// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { ObjectReference } from '../core-v1/types.ts'
import type { Kind, NamespacedMeta } from '../kind.ts'
import type { ListMeta } from '../meta-v1/types.ts'

export interface Endpoint {
  readonly addresses: readonly string[]
  readonly conditions?: EndpointConditions
  readonly deprecatedTopology?: { readonly [key: string]: string }
  readonly hints?: EndpointHints
  readonly hostname?: string
  readonly nodeName?: string
  readonly targetRef?: ObjectReference
  readonly zone?: string
}

export interface EndpointConditions {
  readonly ready?: boolean
  readonly serving?: boolean
  readonly terminating?: boolean
}

export interface EndpointHints {
  readonly forNodes?: readonly ForNode[]
  readonly forZones?: readonly ForZone[]
}

export interface EndpointPort {
  readonly appProtocol?: string
  readonly name?: string
  readonly port?: number
  readonly protocol?: 'SCTP' | 'TCP' | 'UDP'
}

export interface EndpointSlice {
  readonly addressType: 'FQDN' | 'IPv4' | 'IPv6'
  readonly apiVersion: 'discovery.k8s.io/v1'
  readonly endpoints?: readonly Endpoint[]
  readonly kind: 'EndpointSlice'
  readonly metadata: NamespacedMeta
  readonly ports?: readonly EndpointPort[]
}

export const EndpointSlice: Kind<EndpointSlice> = { group: 'discovery.k8s.io', version: 'v1', apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', plural: 'endpointslices', namespaced: true }

export interface EndpointSliceList {
  readonly apiVersion?: string
  readonly items: readonly EndpointSlice[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface ForNode {
  readonly name: string
}

export interface ForZone {
  readonly name: string
}
