import type { StatefulSet } from '../../api/apps-v1/types.ts'
import { PersistentVolumeClaim, type Pod } from '../../api/core-v1/types.ts'
import type { Unsaved } from '../../api/kind.ts'
import type { Client } from '../../client/client.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import type { Lister } from '../../client/informer.ts'
import { isTerminating, keyOf } from '../../machinery/object.ts'
import { isStatusError } from '../../machinery/status.ts'
import type { Expectations } from '../expectations.ts'
import { ordinalOf } from './identity.ts'
import { retentionChangeOf } from './retention.ts'
import { aggregateText, ClaimTerminatingError, messageOf } from './step-failure.ts'
import { claimNamesOf } from './storage.ts'

export interface ControlDependencies {
  readonly client: Client
  readonly claims: Lister<PersistentVolumeClaim>
  readonly events: EventRecorder
  readonly expectations: Expectations
}

/** Writes claims, and tells of it. */
export class ClaimControl {
  readonly #dependencies: ControlDependencies

  constructor(dependencies: ControlDependencies) {
    this.#dependencies = dependencies
  }

  /** Makes sure that every claim is there; tries all before it throws (S3–S5, S7). Answers all of them. */
  async ensure(
    set: StatefulSet,
    podName: string,
    claims: readonly Unsaved<PersistentVolumeClaim>[],
  ): Promise<readonly PersistentVolumeClaim[]> {
    const outcomes = await Promise.allSettled(claims.map(claim => this.#ensureOne(set, podName, claim)))
    const errors = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
    if (errors.length === 1) throw errors[0]
    if (errors.length > 1) throw new AggregateError(errors, aggregateText(errors))
    return outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  }

  /** Brings the owners of the Pod's claims to what the retention policy asks (S11). `known` is newer than the cache. */
  async retain(set: StatefulSet, pod: Pod, known: readonly PersistentVolumeClaim[] = []): Promise<void> {
    const { namespace } = set.metadata
    for (const name of claimNamesOf(set, ordinalOf(pod))) {
      const claim =
        known.find(({ metadata }) => metadata.name === name) ?? this.#dependencies.claims.get({ namespace, name })
      if (claim) await this.#retainOne(set, pod, claim)
    }
  }

  async #ensureOne(
    set: StatefulSet,
    podName: string,
    claim: Unsaved<PersistentVolumeClaim>,
  ): Promise<PersistentVolumeClaim> {
    const { claims, expectations } = this.#dependencies
    const name = claim.metadata.name!
    const existing = claims.get({ namespace: set.metadata.namespace, name })
    if (existing && isTerminating(existing)) throw new ClaimTerminatingError(existing)
    if (existing) return existing // Whatever it looks like and whoever made it (S4).
    try {
      const created = await expectations.create(keyOf(set), PersistentVolumeClaim, claim)
      const message = `create Claim ${name} Pod ${podName} in StatefulSet ${set.metadata.name} success`
      this.#dependencies.events.record(set, { type: 'Normal', reason: 'SuccessfulCreate', message })
      return created
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) this.#recordFailure(set, { podName, name, error })
      throw new Error(`failed to create PVC ${name}: ${messageOf(error)}`, { cause: error })
    }
  }

  #recordFailure(set: StatefulSet, failure: { podName: string; name: string; error: unknown }): void {
    const { podName, name, error } = failure
    const where = `for Pod ${podName} in StatefulSet ${set.metadata.name}`
    const message = `create Claim ${name} ${where} failed error: ${messageOf(error)}`
    this.#dependencies.events.record(set, { type: 'Warning', reason: 'FailedCreate', message })
  }

  async #retainOne(set: StatefulSet, pod: Pod, claim: PersistentVolumeClaim): Promise<void> {
    const { client, events, expectations } = this.#dependencies
    const { ownerReferences, isConflicting } = retentionChangeOf(set, pod, claim)
    const { name } = claim.metadata
    if (isConflicting) {
      // The spelling is upstream's, and tools match on it (E4).
      const message = `PersistentVolumeClaim ${name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`
      events.record(set, { type: 'Warning', reason: 'ConflictingController', message })
    }
    if (!ownerReferences) return
    const owned = { ...claim, metadata: { ...claim.metadata, ownerReferences } }
    try {
      expectations.wrote(keyOf(set), PersistentVolumeClaim, await client.update(PersistentVolumeClaim, owned))
    } catch (error) {
      const message = `could not update claim ${name} for delete policy ownerRefs: ${messageOf(error)}`
      throw new Error(message, { cause: error })
    }
  }
}
