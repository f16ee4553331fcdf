import { deepEqual } from 'fast-equals'
import { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import { StorageClass } from '../../api/storage-v1/types.ts'
import type { Dependencies, Result } from '../../client/controller.ts'
import { keyText, type ObjectKey } from '../../machinery/object.ts'
import {
  defaultStorageClass,
  SELECTED_NODE,
  STORAGE_PROVISIONER,
  STORAGE_PROVISIONER_BETA,
  storageClassOf,
  waitsForFirstConsumer,
} from '../../machinery/volume-binding.ts'
import { Expectations, UNSEEN_WRITE_RECHECK_MS } from '../expectations.ts'
import { BY_CLAIM, BY_CLASS_FREE, PODS_BY_CLAIM } from './indexes.ts'
import { boundClaim, boundStatus, boundVolume, type ClaimStep, type ClaimWorld, planClaim } from './plan-claim.ts'

/** Reads what concerns one claim, decides, and writes. */
export class ClaimPass {
  readonly #dependencies: Dependencies
  readonly #expectations: Expectations
  /** Volumes given away by this process, with the claim, until the cache shows it. */
  readonly #given = new Map<string, string>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#expectations = new Expectations(dependencies)
  }

  async run(key: ObjectKey): Promise<Result> {
    const claim = this.#dependencies.informers.informer(PersistentVolumeClaim).get(key)
    if (!claim) return {} // Deleted. Its volume is released by a pass of its own.
    if (!(await this.#expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }
    await this.#carryOut(planClaim(claim, this.#worldOf(claim)), claim, key)
    return {}
  }

  #worldOf(claim: PersistentVolumeClaim): ClaimWorld {
    const { informers } = this.#dependencies
    const volumes = informers.informer(PersistentVolume)
    const classes = informers.informer(StorageClass)
    const { volumeName } = claim.spec
    const className = storageClassOf(claim)
    const key = keyText(claim.metadata)
    const storageClass = className ? classes.get({ name: className }) : undefined
    const reserved = volumes.byIndex(BY_CLAIM, key)
    const isDelayed = waitsForFirstConsumer(storageClass)
    return {
      namedVolume: volumeName ? volumes.get({ name: volumeName }) : undefined,
      candidates: isDelayed ? reserved : [...reserved, ...volumes.byIndex(BY_CLASS_FREE, className)],
      isTaken: volume => this.#isGivenToOther(volume, claim),
      storageClass,
      defaultClass: defaultStorageClass(classes.list()),
      pods: informers.informer(Pod).byIndex(PODS_BY_CLAIM, key),
      hasNode: name => informers.informer(Node).get({ name }) !== undefined,
    }
  }

  #isGivenToOther({ metadata, spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
    if (spec.claimRef) this.#given.delete(metadata.name) // The cache has caught up.
    const uid = this.#given.get(metadata.name)
    return uid !== undefined && uid !== claim.metadata.uid
  }

  async #carryOut(step: ClaimStep, claim: PersistentVolumeClaim, key: ObjectKey): Promise<void> {
    const { events } = this.#dependencies
    switch (step.kind) {
      case 'bind':
        return this.#bind(claim, step.volume, key)
      case 'wait':
        if (step.note) events.record(claim, step.note)
        return this.#setPhase(claim, 'Pending', key)
      case 'askProvisioner':
        events.record(claim, step.note)
        return this.#askProvisioner(claim, step.provisioner, key)
      case 'takeDefaultClass':
        await this.#update({ ...claim, spec: { ...claim.spec, storageClassName: step.className } }, key)
        return
      case 'forgetSelectedNode':
        await this.#update(withAnnotations(claim, { [SELECTED_NODE]: undefined }), key)
        return
      case 'lose':
        if (claim.status.phase !== 'Lost') events.record(claim, step.note)
        return this.#setPhase(claim, 'Lost', key)
    }
  }

  /** Volume first: it can have one claim only, so the API server decides who gets it. */
  async #bind(claim: PersistentVolumeClaim, volume: PersistentVolume, key: ObjectKey): Promise<void> {
    await this.#give(volume, claim)
    const wanted = boundClaim(claim, volume)
    const bound = wanted === claim ? claim : await this.#update(wanted, key)
    const status = boundStatus(bound, volume)
    if (deepEqual(status, bound.status)) return
    const answer = await this.#dependencies.client.updateStatus(PersistentVolumeClaim, { ...bound, status })
    this.#expectations.wrote(key, PersistentVolumeClaim, answer)
  }

  async #give(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    const wanted = boundVolume(volume, claim)
    if (wanted === volume) return
    const { name } = volume.metadata
    this.#given.set(name, claim.metadata.uid)
    try {
      await this.#dependencies.client.update(PersistentVolume, wanted)
    } catch (error) {
      this.#given.delete(name)
      throw error
    }
  }

  async #askProvisioner(claim: PersistentVolumeClaim, provisioner: string, key: ObjectKey): Promise<void> {
    const asked = { [STORAGE_PROVISIONER]: provisioner, [STORAGE_PROVISIONER_BETA]: provisioner }
    const isAsked = claim.metadata.annotations?.[STORAGE_PROVISIONER] === provisioner
    const current = isAsked ? claim : await this.#update(withAnnotations(claim, asked), key)
    await this.#setPhase(current, 'Pending', key)
  }

  async #setPhase(claim: PersistentVolumeClaim, phase: 'Pending' | 'Lost', key: ObjectKey): Promise<void> {
    if (claim.status?.phase === phase) return
    const written = await this.#dependencies.client.updateStatus(PersistentVolumeClaim, {
      ...claim,
      status: { ...claim.status, phase },
    })
    this.#expectations.wrote(key, PersistentVolumeClaim, written)
  }

  async #update(claim: PersistentVolumeClaim, key: ObjectKey): Promise<PersistentVolumeClaim> {
    const written = await this.#dependencies.client.update(PersistentVolumeClaim, claim)
    return this.#expectations.wrote(key, PersistentVolumeClaim, written)
  }
}

function withAnnotations(
  claim: PersistentVolumeClaim,
  changes: { readonly [key: string]: string | undefined },
): PersistentVolumeClaim {
  const annotations: { [key: string]: string } = { ...claim.metadata.annotations }
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) delete annotations[key]
    else annotations[key] = value
  }
  return { ...claim, metadata: { ...claim.metadata, annotations } }
}
