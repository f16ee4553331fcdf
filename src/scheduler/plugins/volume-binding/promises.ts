import type { PersistentVolume, PersistentVolumeClaim } from '../../../api/core-v1/types.ts'
import type { InformerEvent } from '../../../client/informer.ts'

/** What becomes of one unbound claim when its Pod goes to a machine. */
export type ClaimStep =
  | { readonly kind: 'bind'; readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume }
  | { readonly kind: 'provision'; readonly claim: PersistentVolumeClaim }

interface Promised {
  readonly claimUid: string
  /** Written to the API: from now on the promise ends when the volume itself says whose it is. */
  isWritten: boolean
}

interface ClaimPromise {
  readonly nodeName: string
  readonly volume: PersistentVolume | undefined
  holders: number
}

/** Volumes promised to claims of Pods in flight, which the API does not show yet. Keeps them from being promised twice. */
export class VolumePromises {
  readonly #volumes = new Map<string, Promised>()
  readonly #claims = new Map<string, ClaimPromise>()

  handle(event: InformerEvent<PersistentVolume>): void {
    const { name } = event.object.metadata
    if (event.type === 'deleted' || event.object.spec.claimRef) this.#volumes.delete(name)
  }

  isPromisedToOther({ metadata }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
    const promised = this.#volumes.get(metadata.name)
    return promised !== undefined && promised.claimUid !== claim.metadata.uid
  }

  /** What another Pod in flight has already settled for this unbound claim. */
  find({ metadata }: PersistentVolumeClaim): Pick<ClaimPromise, 'nodeName' | 'volume'> | undefined {
    return this.#claims.get(metadata.uid)
  }

  make(steps: readonly ClaimStep[], nodeName: string): void {
    for (const step of steps) {
      const { uid } = step.claim.metadata
      const known = this.#claims.get(uid)
      if (known) known.holders++
      else this.#claims.set(uid, { nodeName, volume: step.kind === 'bind' ? step.volume : undefined, holders: 1 })
      if (step.kind === 'bind' && !known)
        this.#volumes.set(step.volume.metadata.name, { claimUid: uid, isWritten: false })
    }
  }

  written({ metadata }: PersistentVolume): void {
    const promised = this.#volumes.get(metadata.name)
    if (promised) promised.isWritten = true
  }

  /** Ends the promises of one Pod. Answers the volumes that are free again. */
  end(steps: readonly ClaimStep[]): readonly PersistentVolume[] {
    const freed: PersistentVolume[] = []
    for (const step of steps) {
      const { uid } = step.claim.metadata
      const known = this.#claims.get(uid)
      if (known && --known.holders > 0) continue
      this.#claims.delete(uid)
      if (step.kind !== 'bind') continue
      const { name } = step.volume.metadata
      if (this.#volumes.get(name)?.isWritten !== false) continue
      this.#volumes.delete(name)
      freed.push(step.volume)
    }
    return freed
  }
}
