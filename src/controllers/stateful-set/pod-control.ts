import type { StatefulSet } from '../../api/apps-v1/types.ts'
import { Pod } from '../../api/core-v1/types.ts'
import type { Unsaved } from '../../api/kind.ts'
import { keyOf } from '../../machinery/object.ts'
import { isStatusError } from '../../machinery/status.ts'
import { ClaimControl, type ControlDependencies } from './claim-control.ts'
import type { Plan, Step } from './plan.ts'
import { messageOf, type StepFailure } from './step-failure.ts'
import { newClaimsOf } from './storage.ts'

/** What became of a plan. */
export interface Deeds {
  readonly done: readonly Step[]
  readonly failures: readonly StepFailure[]
}

type Verb = 'create' | 'update' | 'delete'

/** Carries plans out, and tells of it in events. Decides nothing. */
export class PodControl {
  readonly #dependencies: ControlDependencies
  readonly #claims: ClaimControl

  constructor(dependencies: ControlDependencies) {
    this.#dependencies = dependencies
    this.#claims = new ClaimControl(dependencies)
  }

  /** Stage after stage; when a step of one fails, the later ones are not begun. Never throws. */
  async carryOut({ stages }: Plan, set: StatefulSet): Promise<Deeds> {
    const done: Step[] = []
    const failures: StepFailure[] = []
    for (const steps of stages) {
      const outcomes = await Promise.allSettled(steps.map(step => this.#take(step, set)))
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.status === 'fulfilled') done.push(steps[index]!)
        else failures.push({ step: steps[index]!, error: outcome.reason })
      }
      if (failures.length > 0) break
    }
    return { done, failures }
  }

  async #take(step: Step, set: StatefulSet): Promise<void> {
    switch (step.kind) {
      case 'createPod':
        return this.#create(set, step.ordinal, step.pod)
      case 'deletePod':
        return this.#delete(set, step.pod)
      case 'createClaims':
        await this.#claims.ensure(set, step.pod.metadata.name, step.claims)
        return
      case 'repairPod':
        return this.#update(set, step.repaired)
      case 'retainClaims':
        return this.#claims.retain(set, step.pod)
    }
  }

  async #create(set: StatefulSet, ordinal: number, pod: Unsaved<Pod>): Promise<void> {
    const name = pod.metadata.name!
    const { claims, created } = await this.#createWithClaims(set, ordinal, pod).catch(error => {
      if (!isStatusError(error, 'AlreadyExists')) this.#record(set, { verb: 'create', name, error })
      throw error
    })
    await this.#claims.retain(set, created, claims).catch(error => {
      this.#record(set, { verb: 'update', name, error })
      throw error
    })
    this.#record(set, { verb: 'create', name })
  }

  async #createWithClaims(set: StatefulSet, ordinal: number, pod: Unsaved<Pod>) {
    const claims = await this.#claims.ensure(set, pod.metadata.name!, newClaimsOf(set, ordinal))
    return { claims, created: await this.#dependencies.expectations.create(keyOf(set), Pod, pod) }
  }

  async #delete(set: StatefulSet, pod: Pod): Promise<void> {
    const { name } = pod.metadata
    try {
      await this.#dependencies.expectations.delete(keyOf(set), Pod, pod)
      this.#record(set, { verb: 'delete', name })
    } catch (error) {
      // A Conflict says that the Pod of this uid is gone and its successor must not be touched.
      if (!isStatusError(error, 'Conflict')) this.#record(set, { verb: 'delete', name, error })
      throw error
    }
  }

  async #update(set: StatefulSet, pod: Pod): Promise<void> {
    const { name } = pod.metadata
    const { client, expectations } = this.#dependencies
    try {
      expectations.wrote(keyOf(set), Pod, await client.update(Pod, pod))
      this.#record(set, { verb: 'update', name })
    } catch (error) {
      if (!isStatusError(error, 'Conflict')) this.#record(set, { verb: 'update', name, error })
      throw error
    }
  }

  /** Words and spelling of E2. */
  #record(set: StatefulSet, { verb, name, error }: { verb: Verb; name: string; error?: unknown }): void {
    const subject = `${verb} Pod ${name} in StatefulSet ${set.metadata.name}`
    const suffix = verb.charAt(0).toUpperCase() + verb.slice(1)
    this.#dependencies.events.record(
      set,
      error === undefined
        ? { type: 'Normal', reason: `Successful${suffix}`, message: `${subject} successful` }
        : { type: 'Warning', reason: `Failed${suffix}`, message: `${subject} failed error: ${messageOf(error)}` },
    )
  }
}
