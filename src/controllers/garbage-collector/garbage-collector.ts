import { CustomResourceDefinition } from '../../api/apiextensions-v1/types.ts'
import type { Kind, KubernetesObject } from '../../api/kind.ts'
import type { OwnerReference } from '../../api/meta-v1/types.ts'
import type { Client } from '../../client/client.ts'
import {
  controllerFor,
  type Dependencies,
  type Enqueue,
  type Reconciler,
  type Result,
} from '../../client/controller.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { isStatusError } from '../../machinery/status.ts'
import { attemptAll } from '../attempt-all.ts'
import { ServedKinds } from '../served-kinds.ts'
import {
  awaitsDependents,
  FOREGROUND,
  type GraphNode,
  graphNodeOf,
  ORPHAN,
  OwnerGraph,
  type Uid,
} from './owner-graph.ts'
import { OwnerLookup } from './owner-lookup.ts'
import { blockingDependents, type OwnerState, verdictOf } from './verdict.ts'

/** An owner that exists but that no informer shows is asked for again after this time: its deletion would not be told. */
const UNSEEN_OWNER_RECHECK_MS = 30_000

/** Keys of objects in the queue: their uids, in a namespace of their own. Other keys are custom resource definitions. */
const OBJECTS = 'objects'

export const garbageCollector = controllerFor(CustomResourceDefinition, {
  name: 'garbage-collector',
  component: 'garbage-collector-controller',
  workers: 20,
}).reconciledBy(garbageCollection)

/** Deletes what nobody owns any more, and carries out foreground and orphaning deletions. */
function garbageCollection(dependencies: Dependencies, enqueue: Enqueue): Reconciler {
  const collector = new Collector(dependencies, enqueue)
  enqueue({ name: 'all-kinds' })
  return async key => {
    if (key.namespace === OBJECTS) return collector.lookAt(key.name)
    await collector.followKinds()
    return {}
  }
}

class Collector {
  readonly #dependencies: Dependencies
  readonly #enqueue: (uid: Uid, afterMs?: number) => void
  readonly #graph = new OwnerGraph()
  readonly #kinds: ServedKinds
  readonly #owners: OwnerLookup
  readonly #followed = new Map<string, Kind>()

  constructor(dependencies: Dependencies, enqueue: Enqueue) {
    this.#dependencies = dependencies
    this.#enqueue = (uid, afterMs) => enqueue({ namespace: OBJECTS, name: uid }, afterMs)
    this.#kinds = new ServedKinds(dependencies.informers)
    this.#owners = new OwnerLookup({ client: dependencies.client, graph: this.#graph, kinds: this.#kinds })
  }

  /** Follows every kind that is served, and no other. */
  async followKinds(): Promise<void> {
    const served = this.#kinds.lasting()
    for (const [name, kind] of this.#followed) {
      if (served.some(other => nameOf(other) === name && other.version === kind.version)) continue
      this.#followed.delete(name)
      this.#dependencies.informers.release(kind)
    }
    const fresh = served.filter(kind => !this.#followed.has(nameOf(kind)))
    await attemptAll(fresh.map(kind => () => this.#follow(kind)))
  }

  async #follow(kind: Kind): Promise<void> {
    const { client, informers } = this.#dependencies
    const isServed = await answersOf(client, kind)
    if (!isServed || this.#followed.has(nameOf(kind))) return
    this.#followed.set(nameOf(kind), kind)
    informers.informer(kind).subscribe(event => {
      const { object } = event
      const uids =
        event.type === 'deleted' ? this.#graph.remove(object.metadata.uid) : this.#graph.put(graphNodeOf(kind, object))
      for (const uid of uids) this.#enqueue(uid)
    })
  }

  async lookAt(uid: Uid): Promise<Result> {
    const node = this.#graph.get(uid)
    if (!node) return this.#lookAtUnseenOwner(uid)
    if (node.isTerminating && node.finalizers.includes(ORPHAN)) await this.#orphanDependents(node)
    else if (awaitsDependents(node)) await this.#deleteInForeground(node)
    else if (!node.isTerminating && node.owners.length > 0) await this.#judge(node)
    return {}
  }

  /** Someone names an owner that no informer shows: perhaps not yet, perhaps not any more. */
  async #lookAtUnseenOwner(uid: Uid): Promise<Result> {
    let isSomewhere = false
    for (const dependent of this.#graph.dependentsOf(uid)) {
      const reference = dependent.owners.find(owner => owner.uid === uid)!
      const state = await this.#owners.stateOf(reference, dependent)
      if (state === 'dangling') this.#enqueue(dependent.uid)
      else {
        isSomewhere = true
        if (state === 'waiting') this.#enqueue(dependent.uid)
        if (state === 'unresolvable') this.#tellUnresolvable(reference, dependent)
        break // The others name the same object, or will be found when they are looked at.
      }
    }
    return isSomewhere && !this.#graph.get(uid) ? { recheckAfterMs: UNSEEN_OWNER_RECHECK_MS } : {}
  }

  async #judge(node: GraphNode): Promise<void> {
    const states = new Map<OwnerReference, OwnerState>()
    for (const owner of node.owners) states.set(owner, await this.#owners.stateOf(owner, node))
    const dependents = this.#graph.dependentsOf(node.uid)
    const verdict = verdictOf(node, { stateOf: owner => states.get(owner)!, dependents })
    if (verdict.type === 'keep') return
    if (verdict.owners) await this.#setOwners(node, verdict.owners)
    if (verdict.type === 'setOwners') return
    // The version proves that the owners are still those that were judged; after our own write only the uid is known.
    const { uid, resourceVersion } = node
    const preconditions = verdict.owners ? { uid } : { uid, resourceVersion }
    const { propagationPolicy } = verdict
    await unlessGone(this.#dependencies.client.delete(node.kind, node.key, { propagationPolicy, preconditions }))
  }

  async #deleteInForeground(node: GraphNode): Promise<void> {
    const dependents = this.#graph.dependentsOf(node.uid)
    for (const dependent of dependents) if (!dependent.isTerminating) this.#enqueue(dependent.uid)
    if (blockingDependents(node, dependents).length === 0) await this.#removeFinalizer(node, FOREGROUND)
  }

  /** Asks the server for the dependents: one that an informer has not shown yet would lose its owner and be deleted. */
  async #orphanDependents(owner: GraphNode): Promise<void> {
    const { client } = this.#dependencies
    const { namespace } = owner.key
    const kinds = this.#kinds
      .lasting()
      .filter(kind => (kind.namespaced || !namespace) && this.#followed.has(nameOf(kind)))
    await attemptAll(
      kinds.map(kind => async () => {
        const { items } = await client.list(kind, namespace ? { namespace } : {})
        const dependents = items
          .map(object => graphNodeOf(kind, object))
          .filter(({ owners }) => owners.some(isReferenceTo(owner)))
        await attemptAll(
          dependents.map(
            node => () =>
              this.#setOwners(
                node,
                node.owners.filter(reference => !isReferenceTo(owner)(reference)),
              ),
          ),
        )
      }),
    )
    await this.#removeFinalizer(owner, ORPHAN)
  }

  #setOwners(node: GraphNode, owners: readonly OwnerReference[]): Promise<void> {
    return this.#patch(node, { ownerReferences: owners as unknown as JsonValue })
  }

  #removeFinalizer(node: GraphNode, finalizer: string): Promise<void> {
    return this.#patch(node, { finalizers: node.finalizers.filter(other => other !== finalizer) })
  }

  /** The version makes it a Conflict when the object is not any more what was decided on. */
  #patch({ kind, key, uid, resourceVersion }: GraphNode, metadata: JsonObject): Promise<void> {
    const body = { metadata: { uid, resourceVersion, ...metadata } }
    return unlessGone(this.#dependencies.client.patch(kind, key, { type: 'merge', body }))
  }

  #tellUnresolvable(reference: OwnerReference, { kind, key }: GraphNode): void {
    const object = this.#dependencies.informers.informer(kind).get(key)
    if (!object) return
    const { apiVersion, kind: ownerKind, name, uid } = reference
    const owner = `[${apiVersion}/${ownerKind}, namespace: ${key.namespace ?? ''}, name: ${name}, uid: ${uid}]`
    const message = `ownerRef ${owner} does not exist in namespace "${key.namespace ?? ''}"`
    this.#dependencies.events.record(object, { type: 'Warning', reason: 'OwnerRefInvalidNamespace', message })
  }
}

const nameOf = ({ group, plural }: Kind): string => `${plural}.${group}`
const isReferenceTo =
  (owner: GraphNode) =>
  (reference: OwnerReference): boolean =>
    reference.uid === owner.uid

async function unlessGone(write: Promise<unknown>): Promise<void> {
  try {
    await write
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}

/** Whether the server serves the kind at all; another server than ours may lack some. */
async function answersOf(client: Client, kind: Kind): Promise<boolean> {
  try {
    await client.list<KubernetesObject>(kind, { limit: 1 })
    return true
  } catch (error) {
    if (isStatusError(error, 'NotFound') || isStatusError(error, 'MethodNotAllowed')) return false
    throw error
  }
}
