import type { Node, PersistentVolume, PersistentVolumeClaim } from '../api/core-v1/types.ts'
import type { CSINode, StorageClass } from '../api/storage-v1/types.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'

/** A change of the world that may let a refused Pod pass. Changes that help nobody (heartbeats) never become one. */
export type ClusterEvent =
  | { readonly kind: 'nodeChanged'; readonly node: NodeInfo; readonly previous?: Node }
  | { readonly kind: 'nodeRemoved'; readonly node: NodeInfo }
  | { readonly kind: 'podPlaced'; readonly pod: PodInfo; readonly node: NodeInfo }
  /** Its labels, its size, or that it is on its way out now. */
  | { readonly kind: 'podChanged'; readonly pod: PodInfo; readonly node: NodeInfo; readonly previous: PodInfo }
  | { readonly kind: 'podRemoved'; readonly pod: PodInfo; readonly node: NodeInfo }
  | { readonly kind: 'claimChanged'; readonly claim: PersistentVolumeClaim }
  | { readonly kind: 'volumeChanged'; readonly volume: PersistentVolume }
  | { readonly kind: 'storageClassChanged'; readonly storageClass: StorageClass }
  | { readonly kind: 'csiNodeChanged'; readonly csiNode: CSINode }
  | { readonly kind: 'namespaceChanged'; readonly namespace: string }

export type ClusterEventKind = ClusterEvent['kind']
