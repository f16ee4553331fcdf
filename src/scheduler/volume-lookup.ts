import { PersistentVolume, PersistentVolumeClaim } from '../api/core-v1/types.ts'
import { StorageClass } from '../api/storage-v1/types.ts'
import type { Informer, InformerFactory } from '../client/informer.ts'
import { storageClassOf } from '../machinery/volume-binding.ts'
import type { PodInfo } from './pod-info.ts'

/** Claims, volumes and classes as the API last told of them. */
export class VolumeLookup {
  readonly claims: Informer<PersistentVolumeClaim>
  readonly volumes: Informer<PersistentVolume>
  readonly classes: Informer<StorageClass>

  constructor(informers: InformerFactory) {
    this.claims = informers.informer(PersistentVolumeClaim)
    this.volumes = informers.informer(PersistentVolume)
    this.classes = informers.informer(StorageClass)
  }

  findClaim(namespace: string, name: string): PersistentVolumeClaim | undefined {
    return this.claims.get({ namespace, name })
  }

  /** The claims of a Pod that exist. */
  claimsOf({ namespace, claimNames }: PodInfo): readonly PersistentVolumeClaim[] {
    return claimNames.flatMap(name => this.findClaim(namespace, name) ?? [])
  }

  findVolumeOf({ spec }: PersistentVolumeClaim): PersistentVolume | undefined {
    return spec.volumeName ? this.volumes.get({ name: spec.volumeName }) : undefined
  }

  findClassOf(claim: PersistentVolumeClaim): StorageClass | undefined {
    const name = storageClassOf(claim)
    return name ? this.classes.get({ name }) : undefined
  }
}
