// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { TypedLocalObjectReference } from '../core-v1/types.ts'
import type { Kind, NamespacedMeta, StoredMeta } from '../kind.ts'
import type { Condition, IntOrString, LabelSelector, ListMeta } from '../meta-v1/types.ts'

export interface HTTPIngressPath {
  readonly backend: IngressBackend
  readonly path?: string
  readonly pathType: 'Exact' | 'ImplementationSpecific' | 'Prefix'
}

export interface HTTPIngressRuleValue {
  readonly paths: readonly HTTPIngressPath[]
}

export interface IPAddress {
  readonly apiVersion: 'networking.k8s.io/v1'
  readonly kind: 'IPAddress'
  readonly metadata: StoredMeta
  readonly spec: IPAddressSpec
}

export const IPAddress: Kind<IPAddress> = { group: 'networking.k8s.io', version: 'v1', apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', plural: 'ipaddresses', namespaced: false }

export interface IPAddressList {
  readonly apiVersion?: string
  readonly items: readonly IPAddress[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface IPAddressSpec {
  readonly parentRef: ParentReference
}

export interface IPBlock {
  readonly cidr: string
  readonly except?: readonly string[]
}

export interface Ingress {
  readonly apiVersion: 'networking.k8s.io/v1'
  readonly kind: 'Ingress'
  readonly metadata: NamespacedMeta
  readonly spec: IngressSpec
  readonly status: IngressStatus
}

export const Ingress: Kind<Ingress> = { group: 'networking.k8s.io', version: 'v1', apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', plural: 'ingresses', namespaced: true }

export interface IngressBackend {
  readonly resource?: TypedLocalObjectReference
  readonly service?: IngressServiceBackend
}

export interface IngressClass {
  readonly apiVersion: 'networking.k8s.io/v1'
  readonly kind: 'IngressClass'
  readonly metadata: StoredMeta
  readonly spec: IngressClassSpec
}

export const IngressClass: Kind<IngressClass> = { group: 'networking.k8s.io', version: 'v1', apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', plural: 'ingressclasses', namespaced: false }

export interface IngressClassList {
  readonly apiVersion?: string
  readonly items: readonly IngressClass[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface IngressClassParametersReference {
  readonly apiGroup?: string
  readonly kind: string
  readonly name: string
  readonly namespace?: string
  readonly scope?: string
}

export interface IngressClassSpec {
  readonly controller?: string
  readonly parameters?: IngressClassParametersReference
}

export interface IngressList {
  readonly apiVersion?: string
  readonly items: readonly Ingress[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface IngressLoadBalancerIngress {
  readonly hostname?: string
  readonly ip?: string
  readonly ports?: readonly IngressPortStatus[]
}

export interface IngressLoadBalancerStatus {
  readonly ingress?: readonly IngressLoadBalancerIngress[]
}

export interface IngressPortStatus {
  readonly error?: string
  readonly port: number
  readonly protocol: 'SCTP' | 'TCP' | 'UDP'
}

export interface IngressRule {
  readonly host?: string
  readonly http?: HTTPIngressRuleValue
}

export interface IngressRuleValue {
  readonly http?: HTTPIngressRuleValue
}

export interface IngressServiceBackend {
  readonly name: string
  readonly port?: ServiceBackendPort
}

export interface IngressSpec {
  readonly defaultBackend?: IngressBackend
  readonly ingressClassName?: string
  readonly rules?: readonly IngressRule[]
  readonly tls?: readonly IngressTLS[]
}

export interface IngressStatus {
  readonly loadBalancer?: IngressLoadBalancerStatus
}

export interface IngressTLS {
  readonly hosts?: readonly string[]
  readonly secretName?: string
}

export interface NetworkPolicy {
  readonly apiVersion: 'networking.k8s.io/v1'
  readonly kind: 'NetworkPolicy'
  readonly metadata: NamespacedMeta
  readonly spec: NetworkPolicySpec
}

export const NetworkPolicy: Kind<NetworkPolicy> = { group: 'networking.k8s.io', version: 'v1', apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', plural: 'networkpolicies', namespaced: true }

export interface NetworkPolicyEgressRule {
  readonly ports?: readonly NetworkPolicyPort[]
  readonly to?: readonly NetworkPolicyPeer[]
}

export interface NetworkPolicyIngressRule {
  readonly from?: readonly NetworkPolicyPeer[]
  readonly ports?: readonly NetworkPolicyPort[]
}

export interface NetworkPolicyList {
  readonly apiVersion?: string
  readonly items: readonly NetworkPolicy[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface NetworkPolicyPeer {
  readonly ipBlock?: IPBlock
  readonly namespaceSelector?: LabelSelector
  readonly podSelector?: LabelSelector
}

export interface NetworkPolicyPort {
  readonly endPort?: number
  readonly port?: IntOrString
  readonly protocol?: 'SCTP' | 'TCP' | 'UDP'
}

export interface NetworkPolicySpec {
  readonly egress?: readonly NetworkPolicyEgressRule[]
  readonly ingress?: readonly NetworkPolicyIngressRule[]
  readonly podSelector?: LabelSelector
  readonly policyTypes?: readonly ('Egress' | 'Ingress')[]
}

export interface ParentReference {
  readonly group?: string
  readonly name: string
  readonly namespace?: string
  readonly resource: string
}

export interface ServiceBackendPort {
  readonly name?: string
  readonly number?: number
}

export interface ServiceCIDR {
  readonly apiVersion: 'networking.k8s.io/v1'
  readonly kind: 'ServiceCIDR'
  readonly metadata: StoredMeta
  readonly spec: ServiceCIDRSpec
  readonly status: ServiceCIDRStatus
}

export const ServiceCIDR: Kind<ServiceCIDR> = { group: 'networking.k8s.io', version: 'v1', apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', plural: 'servicecidrs', namespaced: false }

export interface ServiceCIDRList {
  readonly apiVersion?: string
  readonly items: readonly ServiceCIDR[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface ServiceCIDRSpec {
  readonly cidrs?: readonly string[]
}

export interface ServiceCIDRStatus {
  readonly conditions?: readonly Condition[]
}
