// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { Kind, NamespacedMeta, StoredMeta } from '../kind.ts'
import type { LabelSelector, ListMeta } from '../meta-v1/types.ts'

export interface AggregationRule {
  readonly clusterRoleSelectors?: readonly LabelSelector[]
}

export interface ClusterRole {
  readonly aggregationRule?: AggregationRule
  readonly apiVersion: 'rbac.authorization.k8s.io/v1'
  readonly kind: 'ClusterRole'
  readonly metadata: StoredMeta
  readonly rules?: readonly PolicyRule[]
}

export const ClusterRole: Kind<ClusterRole> = { group: 'rbac.authorization.k8s.io', version: 'v1', apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', plural: 'clusterroles', namespaced: false }

export interface ClusterRoleBinding {
  readonly apiVersion: 'rbac.authorization.k8s.io/v1'
  readonly kind: 'ClusterRoleBinding'
  readonly metadata: StoredMeta
  readonly roleRef: RoleRef
  readonly subjects?: readonly Subject[]
}

export const ClusterRoleBinding: Kind<ClusterRoleBinding> = { group: 'rbac.authorization.k8s.io', version: 'v1', apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', plural: 'clusterrolebindings', namespaced: false }

export interface ClusterRoleBindingList {
  readonly apiVersion?: string
  readonly items: readonly ClusterRoleBinding[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface ClusterRoleList {
  readonly apiVersion?: string
  readonly items: readonly ClusterRole[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface PolicyRule {
  readonly apiGroups?: readonly string[]
  readonly nonResourceURLs?: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly resources?: readonly string[]
  readonly verbs: readonly string[]
}

export interface Role {
  readonly apiVersion: 'rbac.authorization.k8s.io/v1'
  readonly kind: 'Role'
  readonly metadata: NamespacedMeta
  readonly rules?: readonly PolicyRule[]
}

export const Role: Kind<Role> = { group: 'rbac.authorization.k8s.io', version: 'v1', apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', plural: 'roles', namespaced: true }

export interface RoleBinding {
  readonly apiVersion: 'rbac.authorization.k8s.io/v1'
  readonly kind: 'RoleBinding'
  readonly metadata: NamespacedMeta
  readonly roleRef: RoleRef
  readonly subjects?: readonly Subject[]
}

export const RoleBinding: Kind<RoleBinding> = { group: 'rbac.authorization.k8s.io', version: 'v1', apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', plural: 'rolebindings', namespaced: true }

export interface RoleBindingList {
  readonly apiVersion?: string
  readonly items: readonly RoleBinding[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface RoleList {
  readonly apiVersion?: string
  readonly items: readonly Role[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface RoleRef {
  readonly apiGroup?: string
  readonly kind: string
  readonly name: string
}

export interface Subject {
  readonly apiGroup?: string
  readonly kind: string
  readonly name: string
  readonly namespace?: string
}
