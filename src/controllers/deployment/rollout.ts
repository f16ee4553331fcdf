import { deepEqual } from 'fast-equals'
import { Deployment, type DeploymentStatus, ReplicaSet } from '../../api/apps-v1/types.ts'
import type { Unsaved } from '../../api/kind.ts'
import type { Dependencies } from '../../client/controller.ts'
import { controllerReferenceTo, isControlledBy, isTerminating, keyOf, type ObjectKey } from '../../machinery/object.ts'
import { isStatusError } from '../../machinery/status.ts'
import { attemptAll, messageOf } from '../attempt-all.ts'
import { isNamespaceGoing } from '../create-in-namespace.ts'
import type { Expectations } from '../expectations.ts'
import { type ConditionNews, conditionNamed, hasProgressDeadline, withCondition } from './conditions.ts'
import { byCreation, type Scaling } from './plan-rolling-update.ts'
import { annotationsOfNewest, REVISION, revisionOf, sizeAnnotations } from './replica-set-annotations.ts'
import { newReplicasOf, replicasOf, specReplicasOf } from './rollout-limits.ts'
import { isSameTemplate, newestOf, POD_TEMPLATE_HASH, podTemplateHashOf } from './template-match.ts'

/** The writes of one pass over one Deployment. `deployment` is always the version that was written last. */
export class Rollout {
  deployment: Deployment
  readonly #dependencies: Dependencies
  readonly #expectations: Expectations
  readonly #key: ObjectKey

  constructor(deployment: Deployment, dependencies: Dependencies & { readonly expectations: Expectations }) {
    this.deployment = deployment
    this.#dependencies = dependencies
    this.#expectations = dependencies.expectations
    this.#key = keyOf(deployment)
  }

  /** The ReplicaSet of the template with its revision and annotations up to date; undefined when there is none yet. */
  async updateNewest(sets: readonly ReplicaSet[]): Promise<ReplicaSet | undefined> {
    const existing = newestOf(this.deployment, sets)
    if (!existing) return undefined
    const revision = 1 + Math.max(0, ...sets.filter(set => set !== existing).map(revisionOf))
    const annotations = annotationsOfNewest(this.deployment, { existing, revision, withSize: false })
    const { minReadySeconds = 0 } = this.deployment.spec
    const isCurrent =
      deepEqual(existing.metadata.annotations ?? {}, annotations) &&
      (existing.spec.minReadySeconds ?? 0) === minReadySeconds
    const newest = isCurrent
      ? existing
      : await this.#update({
          ...existing,
          metadata: { ...existing.metadata, annotations },
          spec: { ...existing.spec, minReadySeconds },
        })
    await this.#bearRevisionOf(newest)
    if (!conditionNamed(this.deployment.status.conditions, 'Progressing')) {
      await this.#tellProgress('True', 'FoundNewReplicaSet', `Found new replica set "${newest.metadata.name}"`)
    }
    return newest
  }

  /** As `updateNewest`, but makes the ReplicaSet when there is none. */
  async ensureNewest(sets: readonly ReplicaSet[]): Promise<ReplicaSet> {
    return (await this.updateNewest(sets)) ?? this.#createNewest(sets)
  }

  async scale(scalings: readonly Scaling[]): Promise<void> {
    await attemptAll(scalings.map(scaling => () => this.#scaleOne(scaling)))
  }

  async writeStatus(status: DeploymentStatus): Promise<void> {
    if (deepEqual(this.deployment.status, status)) return
    const { client } = this.#dependencies
    const written = await client.updateStatus(Deployment, { ...this.deployment, status })
    this.deployment = this.#expectations.wrote(this.#key, Deployment, written)
  }

  /** Writes the condition, unless no deadline asks for it. */
  async #tellProgress(status: ConditionNews['status'], reason: string, message: string): Promise<void> {
    if (hasProgressDeadline(this.deployment)) await this.setCondition({ type: 'Progressing', status, reason, message })
  }

  async setCondition(news: ConditionNews): Promise<void> {
    const { status } = this.deployment
    const conditions = withCondition(status.conditions ?? [], news, this.#dependencies.clock.now())
    if (conditions !== status.conditions) await this.writeStatus({ ...status, conditions })
  }

  /** Deletes old ReplicaSets without Pods, lowest revision first, until as many are left as history asks. */
  async cleanUp(old: readonly ReplicaSet[]): Promise<void> {
    const { revisionHistoryLimit } = this.deployment.spec
    if (revisionHistoryLimit === undefined || revisionHistoryLimit === 2 ** 31 - 1) return
    const surplus = old
      .filter(set => !isTerminating(set))
      .sort((a, b) => revisionOf(a) - revisionOf(b) || byCreation(a, b))
      .slice(0, Math.max(0, old.filter(set => !isTerminating(set)).length - revisionHistoryLimit))
      .filter(isEmptySet)
    await attemptAll(surplus.map(set => () => this.#expectations.delete(this.#key, ReplicaSet, set)))
  }

  async #scaleOne({ set, replicas }: Scaling): Promise<void> {
    const annotations = { ...set.metadata.annotations, ...sizeAnnotations(this.deployment) }
    const before = replicasOf(set)
    if (before === replicas && deepEqual(annotations, set.metadata.annotations)) return
    await this.#update({ ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas } })
    if (before !== replicas) this.#tellScaled(set.metadata.name, before, replicas)
  }

  #tellScaled(name: string, before: number, after: number): void {
    const direction = after > before ? 'up' : 'down'
    const message = `Scaled ${direction} replica set ${name} from ${before} to ${after}`
    this.#dependencies.events.record(this.deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message })
  }

  async #update(set: ReplicaSet): Promise<ReplicaSet> {
    return this.#expectations.wrote(this.#key, ReplicaSet, await this.#dependencies.client.update(ReplicaSet, set))
  }

  async #bearRevisionOf(set: ReplicaSet): Promise<void> {
    const revision = set.metadata.annotations?.[REVISION]
    const { metadata } = this.deployment
    if (!revision || metadata.annotations?.[REVISION] === revision) return
    const annotations = { ...metadata.annotations, [REVISION]: revision }
    const written = await this.#dependencies.client.update(Deployment, {
      ...this.deployment,
      metadata: { ...metadata, annotations },
    })
    this.deployment = this.#expectations.wrote(this.#key, Deployment, written)
  }

  async #createNewest(sets: readonly ReplicaSet[]): Promise<ReplicaSet> {
    const wanted = this.#newReplicaSet(sets)
    const { name } = wanted.metadata
    let created: ReplicaSet
    try {
      created = await this.#expectations.create(this.#key, ReplicaSet, wanted)
    } catch (error) {
      if (isStatusError(error, 'AlreadyExists')) return this.#takenName({ namespace: this.#key.namespace!, name })
      if (!isNamespaceGoing(error)) await this.#tellFailedCreate(name, error)
      throw error
    }
    const replicas = replicasOf(created)
    if (replicas > 0) this.#tellScaled(name, 0, replicas)
    await this.#bearRevisionOf(created)
    await this.#tellProgress('True', 'NewReplicaSetCreated', `Created new replica set "${name}"`)
    return created
  }

  async #tellFailedCreate(name: string, error: unknown): Promise<void> {
    const message = `Failed to create new replica set "${name}": ${messageOf(error)}`
    this.#dependencies.events.record(this.deployment, { type: 'Warning', reason: 'ReplicaSetCreateError', message })
    await this.#tellProgress('False', 'ReplicaSetCreateError', message)
  }

  /** Ours, when the cache had not shown it; else a collision of hashes, which the next pass avoids. */
  async #takenName(key: ObjectKey): Promise<ReplicaSet> {
    const live = await this.#dependencies.client.get(ReplicaSet, key)
    if (isControlledBy(live, this.deployment) && isSameTemplate(live.spec.template, this.deployment.spec.template))
      return live
    const { status } = this.deployment
    await this.writeStatus({ ...status, collisionCount: (status.collisionCount ?? 0) + 1 })
    throw new Error(`the name of ReplicaSet ${key.name} is taken by another template; it is hashed again`)
  }

  #newReplicaSet(sets: readonly ReplicaSet[]): Unsaved<ReplicaSet> & { metadata: { name: string } } {
    const { deployment } = this
    const { name, namespace } = deployment.metadata
    const { template, selector, minReadySeconds = 0 } = deployment.spec
    const hash = { [POD_TEMPLATE_HASH]: podTemplateHashOf(deployment) }
    const labels = { ...template.metadata?.labels, ...hash }
    const revision = 1 + Math.max(0, ...sets.map(revisionOf))
    const empty = { spec: { replicas: 0, selector } }
    return {
      metadata: {
        name: `${name}-${hash[POD_TEMPLATE_HASH]}`,
        namespace,
        labels,
        annotations: annotationsOfNewest(deployment, { revision, withSize: true }),
        ownerReferences: [controllerReferenceTo(deployment)],
      },
      spec: {
        replicas: newReplicasOf(deployment, sets, empty),
        minReadySeconds,
        selector: { ...selector, matchLabels: { ...selector.matchLabels, ...hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    }
  }
}

const isEmptySet = (set: ReplicaSet): boolean =>
  specReplicasOf([set]) === 0 &&
  set.status.replicas === 0 &&
  (set.metadata.generation ?? 0) <= (set.status.observedGeneration ?? 0)
