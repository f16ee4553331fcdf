import type { Kind, KubernetesObject } from '../../api/kind.ts'
import type { OwnerReference } from '../../api/meta-v1/types.ts'
import { keyOf, type ObjectKey } from '../../machinery/object.ts'

export type Uid = string

/** One object as garbage collection sees it. */
export interface GraphNode {
  readonly uid: Uid
  readonly kind: Kind
  readonly key: ObjectKey
  readonly resourceVersion: string
  readonly owners: readonly OwnerReference[]
  readonly finalizers: readonly string[]
  readonly isTerminating: boolean
}

export const FOREGROUND = 'foregroundDeletion'
export const ORPHAN = 'orphan'

export function graphNodeOf(kind: Kind, object: KubernetesObject): GraphNode {
  const { uid, resourceVersion, ownerReferences = [], finalizers = [], deletionTimestamp } = object.metadata
  const isTerminating = deletionTimestamp !== undefined
  return { uid, kind, key: keyOf(object), resourceVersion, owners: ownerReferences, finalizers, isTerminating }
}

/** It is being deleted in the foreground: its dependents go first. */
export const awaitsDependents = ({ isTerminating, finalizers }: GraphNode): boolean =>
  isTerminating && finalizers.includes(FOREGROUND)

/** Whether the reference says of the node what the node is; a uid alone proves nothing. */
export const isNamedBy = (owner: GraphNode, reference: OwnerReference, dependent: GraphNode): boolean =>
  owner.kind.kind === reference.kind &&
  owner.kind.group === groupOf(reference) &&
  owner.key.name === reference.name &&
  (!owner.kind.namespaced || owner.key.namespace === dependent.key.namespace)

const groupOf = ({ apiVersion }: OwnerReference): string =>
  apiVersion.slice(0, Math.max(0, apiVersion.lastIndexOf('/')))

/** Who owns whom, kept current by the informers. Answers each change with the objects that need a look because of it. */
export class OwnerGraph {
  readonly #nodes = new Map<Uid, GraphNode>()
  readonly #dependents = new Map<Uid, Set<Uid>>()

  get(uid: Uid): GraphNode | undefined {
    return this.#nodes.get(uid)
  }

  dependentsOf(uid: Uid): readonly GraphNode[] {
    return [...(this.#dependents.get(uid) ?? [])].map(dependent => this.#nodes.get(dependent)!)
  }

  put(node: GraphNode): readonly Uid[] {
    const previous = this.#nodes.get(node.uid)
    this.#nodes.set(node.uid, node)
    if (previous?.owners === node.owners || sameOwners(previous?.owners ?? [], node.owners)) {
      const isNews = !previous || awaitsWork(previous) !== awaitsWork(node)
      return isNews && awaitsWork(node) ? [node.uid] : []
    }
    for (const { uid } of previous?.owners ?? []) this.#unlink(uid, node.uid)
    for (const { uid } of node.owners) this.#link(uid, node.uid)
    const toLookAt = new Set(this.#waitingOwners([...(previous?.owners ?? []), ...node.owners]))
    for (const reference of node.owners) {
      const owner = this.#nodes.get(reference.uid)
      if (!owner) toLookAt.add(reference.uid)
      else if (awaitsDependents(owner) || !isNamedBy(owner, reference, node)) toLookAt.add(node.uid)
    }
    if (awaitsWork(node)) toLookAt.add(node.uid)
    return [...toLookAt]
  }

  remove(uid: Uid): readonly Uid[] {
    const node = this.#nodes.get(uid)
    if (!node) return []
    this.#nodes.delete(uid)
    for (const reference of node.owners) this.#unlink(reference.uid, uid)
    return [...(this.#dependents.get(uid) ?? []), ...this.#waitingOwners(node.owners)]
  }

  #waitingOwners(references: readonly OwnerReference[]): readonly Uid[] {
    return references
      .map(({ uid }) => uid)
      .filter(uid => {
        const owner = this.#nodes.get(uid)
        return owner && awaitsDependents(owner)
      })
  }

  #link(owner: Uid, dependent: Uid): void {
    const known = this.#dependents.get(owner)
    if (known) known.add(dependent)
    else this.#dependents.set(owner, new Set([dependent]))
  }

  #unlink(owner: Uid, dependent: Uid): void {
    const known = this.#dependents.get(owner)
    known?.delete(dependent)
    if (known?.size === 0) this.#dependents.delete(owner)
  }
}

const awaitsWork = (node: GraphNode): boolean =>
  awaitsDependents(node) || (node.isTerminating && node.finalizers.includes(ORPHAN))

const sameOwners = (a: readonly OwnerReference[], b: readonly OwnerReference[]): boolean =>
  a.length === b.length &&
  a.every(({ uid, name, blockOwnerDeletion }, at) => {
    const other = b[at]!
    return uid === other.uid && name === other.name && blockOwnerDeletion === other.blockOwnerDeletion
  })
