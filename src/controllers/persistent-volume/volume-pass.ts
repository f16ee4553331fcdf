import { PersistentVolume, PersistentVolumeClaim } from '../../api/core-v1/types.ts'
import type { Dependencies, Result } from '../../client/controller.ts'
import type { ObjectKey } from '../../machinery/object.ts'
import { timeText } from '../../machinery/time.ts'
import { BOUND_BY_CONTROLLER } from '../../machinery/volume-binding.ts'
import { planVolume, type VolumeStep } from './plan-volume.ts'

/** Reads what concerns one volume, decides, and writes. */
export class VolumePass {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  async run(key: ObjectKey): Promise<Result> {
    const volume = this.#dependencies.informers.informer(PersistentVolume).get(key)
    if (!volume) return {} // Deleted. A claim bound to it is lost: its own pass says so.
    const step = planVolume(volume, await this.#claimOf(volume))
    await this.#carryOut(step, volume)
    return {}
  }

  /** Asks the server before a claim counts as gone: releasing a volume cannot be taken back. */
  async #claimOf({ spec: { claimRef } }: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
    if (!claimRef?.uid) return undefined
    const { client, informers } = this.#dependencies
    const key = { namespace: claimRef.namespace!, name: claimRef.name! }
    const cached = informers.informer(PersistentVolumeClaim).get(key)
    return cached?.metadata.uid === claimRef.uid ? cached : client.find(PersistentVolumeClaim, key)
  }

  async #carryOut(step: VolumeStep, volume: PersistentVolume): Promise<void> {
    const { client, clock, events } = this.#dependencies
    switch (step.kind) {
      case 'setPhase': {
        const { message: _old, ...status } = volume.status
        const { phase, message, note } = step
        await client.updateStatus(PersistentVolume, {
          ...volume,
          status: { ...status, phase, ...(message && { message }), lastPhaseTransitionTime: timeText(clock.now()) },
        })
        if (note) events.record(volume, note)
        return
      }
      case 'unbind': {
        const { [BOUND_BY_CONTROLLER]: _ours, ...annotations } = volume.metadata.annotations ?? {}
        await client.update(PersistentVolume, {
          ...volume,
          metadata: { ...volume.metadata, annotations },
          spec: step.spec,
        })
        return
      }
      case 'lookAtClaim': // The claim is enqueued by the same event; see `claimsConcernedBy`.
      case 'nothing':
        return
    }
  }
}
