// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { Kind, StoredMeta } from '../kind.ts'
import type { ObjectMeta, Time } from '../meta-v1/types.ts'

export interface BoundObjectReference {
  readonly apiVersion?: string
  readonly kind?: string
  readonly name?: string
  readonly uid?: string
}

export interface SelfSubjectReview {
  readonly apiVersion: 'authentication.k8s.io/v1'
  readonly kind: 'SelfSubjectReview'
  readonly metadata: StoredMeta
  readonly status: SelfSubjectReviewStatus
}

export const SelfSubjectReview: Kind<SelfSubjectReview> = { group: 'authentication.k8s.io', version: 'v1', apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', plural: 'selfsubjectreviews', namespaced: false }

export interface SelfSubjectReviewStatus {
  readonly userInfo?: UserInfo
}

export interface TokenRequest {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: ObjectMeta
  readonly spec?: TokenRequestSpec
  readonly status?: TokenRequestStatus
}

export interface TokenRequestSpec {
  readonly audiences?: readonly string[]
  readonly boundObjectRef?: BoundObjectReference
  readonly expirationSeconds?: number
}

export interface TokenRequestStatus {
  readonly expirationTimestamp?: Time
  readonly token?: string
}

export interface TokenReview {
  readonly apiVersion: 'authentication.k8s.io/v1'
  readonly kind: 'TokenReview'
  readonly metadata: StoredMeta
  readonly spec: TokenReviewSpec
  readonly status: TokenReviewStatus
}

export const TokenReview: Kind<TokenReview> = { group: 'authentication.k8s.io', version: 'v1', apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', plural: 'tokenreviews', namespaced: false }

export interface TokenReviewSpec {
  readonly audiences?: readonly string[]
  readonly token: string
}

export interface TokenReviewStatus {
  readonly audiences?: readonly string[]
  readonly authenticated?: boolean
  readonly error?: string
  readonly user?: UserInfo
}

export interface UserInfo {
  readonly extra?: { readonly [key: string]: readonly string[] }
  readonly groups?: readonly string[]
  readonly uid?: string
  readonly username?: string
}
