// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { PersistentVolumeSpec, TopologySelectorTerm } from '../core-v1/types.ts'
import type { Kind, NamespacedMeta, StoredMeta } from '../kind.ts'
import type { LabelSelector, ListMeta, Quantity, Time } from '../meta-v1/types.ts'

export interface CSIDriver {
  readonly apiVersion: 'storage.k8s.io/v1'
  readonly kind: 'CSIDriver'
  readonly metadata: StoredMeta
  readonly spec: CSIDriverSpec
}

export const CSIDriver: Kind<CSIDriver> = { group: 'storage.k8s.io', version: 'v1', apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', plural: 'csidrivers', namespaced: false }

export interface CSIDriverList {
  readonly apiVersion?: string
  readonly items: readonly CSIDriver[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface CSIDriverSpec {
  readonly attachRequired?: boolean
  readonly fsGroupPolicy?: string
  readonly nodeAllocatableUpdatePeriodSeconds?: number
  readonly podInfoOnMount?: boolean
  readonly preventPodSchedulingIfMissing?: boolean
  readonly requiresRepublish?: boolean
  readonly seLinuxMount?: boolean
  readonly serviceAccountTokenInSecrets?: boolean
  readonly storageCapacity?: boolean
  readonly tokenRequests?: readonly TokenRequest[]
  readonly volumeLifecycleModes?: readonly string[]
}

export interface CSINode {
  readonly apiVersion: 'storage.k8s.io/v1'
  readonly kind: 'CSINode'
  readonly metadata: StoredMeta
  readonly spec: CSINodeSpec
}

export const CSINode: Kind<CSINode> = { group: 'storage.k8s.io', version: 'v1', apiVersion: 'storage.k8s.io/v1', kind: 'CSINode', plural: 'csinodes', namespaced: false }

export interface CSINodeDriver {
  readonly allocatable?: VolumeNodeResources
  readonly name: string
  readonly nodeID: string
  readonly topologyKeys?: readonly string[]
}

export interface CSINodeList {
  readonly apiVersion?: string
  readonly items: readonly CSINode[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface CSINodeSpec {
  readonly drivers: readonly CSINodeDriver[]
}

export interface CSIStorageCapacity {
  readonly apiVersion: 'storage.k8s.io/v1'
  readonly capacity?: Quantity
  readonly kind: 'CSIStorageCapacity'
  readonly maximumVolumeSize?: Quantity
  readonly metadata: NamespacedMeta
  readonly nodeTopology?: LabelSelector
  readonly storageClassName: string
}

export const CSIStorageCapacity: Kind<CSIStorageCapacity> = { group: 'storage.k8s.io', version: 'v1', apiVersion: 'storage.k8s.io/v1', kind: 'CSIStorageCapacity', plural: 'csistoragecapacities', namespaced: true }

export interface CSIStorageCapacityList {
  readonly apiVersion?: string
  readonly items: readonly CSIStorageCapacity[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface StorageClass {
  readonly allowVolumeExpansion?: boolean
  readonly allowedTopologies?: readonly TopologySelectorTerm[]
  readonly apiVersion: 'storage.k8s.io/v1'
  readonly kind: 'StorageClass'
  readonly metadata: StoredMeta
  readonly mountOptions?: readonly string[]
  readonly parameters?: { readonly [key: string]: string }
  readonly provisioner: string
  readonly reclaimPolicy?: 'Delete' | 'Recycle' | 'Retain'
  readonly volumeBindingMode?: 'Immediate' | 'WaitForFirstConsumer'
}

export const StorageClass: Kind<StorageClass> = { group: 'storage.k8s.io', version: 'v1', apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', plural: 'storageclasses', namespaced: false }

export interface StorageClassList {
  readonly apiVersion?: string
  readonly items: readonly StorageClass[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface TokenRequest {
  readonly audience: string
  readonly expirationSeconds?: number
}

export interface VolumeAttachment {
  readonly apiVersion: 'storage.k8s.io/v1'
  readonly kind: 'VolumeAttachment'
  readonly metadata: StoredMeta
  readonly spec: VolumeAttachmentSpec
  readonly status: VolumeAttachmentStatus
}

export const VolumeAttachment: Kind<VolumeAttachment> = { group: 'storage.k8s.io', version: 'v1', apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', plural: 'volumeattachments', namespaced: false }

export interface VolumeAttachmentList {
  readonly apiVersion?: string
  readonly items: readonly VolumeAttachment[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface VolumeAttachmentSource {
  readonly inlineVolumeSpec?: PersistentVolumeSpec
  readonly persistentVolumeName?: string
}

export interface VolumeAttachmentSpec {
  readonly attacher: string
  readonly nodeName: string
  readonly source: VolumeAttachmentSource
}

export interface VolumeAttachmentStatus {
  readonly attachError?: VolumeError
  readonly attached: boolean
  readonly attachmentMetadata?: { readonly [key: string]: string }
  readonly detachError?: VolumeError
}

export interface VolumeAttributesClass {
  readonly apiVersion: 'storage.k8s.io/v1'
  readonly driverName: string
  readonly kind: 'VolumeAttributesClass'
  readonly metadata: StoredMeta
  readonly parameters?: { readonly [key: string]: string }
}

export const VolumeAttributesClass: Kind<VolumeAttributesClass> = { group: 'storage.k8s.io', version: 'v1', apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttributesClass', plural: 'volumeattributesclasses', namespaced: false }

export interface VolumeAttributesClassList {
  readonly apiVersion?: string
  readonly items: readonly VolumeAttributesClass[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface VolumeError {
  readonly errorCode?: number
  readonly message?: string
  readonly time?: Time
}

export interface VolumeNodeResources {
  readonly count?: number
}
