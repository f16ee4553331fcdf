// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { Kind, StoredMeta } from '../kind.ts'
import type { ListMeta, Time } from '../meta-v1/types.ts'

export interface CertificateSigningRequest {
  readonly apiVersion: 'certificates.k8s.io/v1'
  readonly kind: 'CertificateSigningRequest'
  readonly metadata: StoredMeta
  readonly spec: CertificateSigningRequestSpec
  readonly status: CertificateSigningRequestStatus
}

export const CertificateSigningRequest: Kind<CertificateSigningRequest> = { group: 'certificates.k8s.io', version: 'v1', apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', plural: 'certificatesigningrequests', namespaced: false }

export interface CertificateSigningRequestCondition {
  readonly lastTransitionTime?: Time
  readonly lastUpdateTime?: Time
  readonly message?: string
  readonly reason?: string
  readonly status: string
  readonly type: string
}

export interface CertificateSigningRequestList {
  readonly apiVersion?: string
  readonly items: readonly CertificateSigningRequest[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface CertificateSigningRequestSpec {
  readonly expirationSeconds?: number
  readonly extra?: { readonly [key: string]: readonly string[] }
  readonly groups?: readonly string[]
  readonly request: string
  readonly signerName: string
  readonly uid?: string
  readonly usages?: readonly ('any' | 'cert sign' | 'client auth' | 'code signing' | 'content commitment' | 'crl sign' | 'data encipherment' | 'decipher only' | 'digital signature' | 'email protection' | 'encipher only' | 'ipsec end system' | 'ipsec tunnel' | 'ipsec user' | 'key agreement' | 'key encipherment' | 'microsoft sgc' | 'netscape sgc' | 'ocsp signing' | 's/mime' | 'server auth' | 'signing' | 'timestamping')[]
  readonly username?: string
}

export interface CertificateSigningRequestStatus {
  readonly certificate?: string
  readonly conditions?: readonly CertificateSigningRequestCondition[]
}
