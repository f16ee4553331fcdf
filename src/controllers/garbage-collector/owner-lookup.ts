import type { OwnerReference } from '../../api/meta-v1/types.ts'
import type { Client } from '../../client/client.ts'
import type { ServedKinds } from '../served-kinds.ts'
import { awaitsDependents, type GraphNode, graphNodeOf, isNamedBy, type OwnerGraph } from './owner-graph.ts'
import type { OwnerState } from './verdict.ts'

/** Owners known to be gone are remembered, at most this many: a uid never comes back. */
const ABSENT_OWNERS_MAX = 500

/** Finds out what an owner reference means: from the graph when it knows, else from the server. */
export class OwnerLookup {
  readonly #client: Client
  readonly #graph: OwnerGraph
  readonly #kinds: ServedKinds
  readonly #absent = new Set<string>()

  constructor({ client, graph, kinds }: { client: Client; graph: OwnerGraph; kinds: ServedKinds }) {
    this.#client = client
    this.#graph = graph
    this.#kinds = kinds
  }

  async stateOf(reference: OwnerReference, dependent: GraphNode): Promise<OwnerState> {
    const kind = this.#kinds.named(reference)
    if (!kind || (kind.namespaced && !dependent.kind.namespaced)) return 'unresolvable'
    const known = this.#graph.get(reference.uid)
    if (known && isNamedBy(known, reference, dependent)) return awaitsDependents(known) ? 'waiting' : 'solid'
    const key = kind.namespaced
      ? { namespace: dependent.key.namespace!, name: reference.name }
      : { name: reference.name }
    const identity = [reference.apiVersion, reference.kind, key.namespace ?? '', key.name, reference.uid].join('|')
    if (this.#absent.has(identity)) return 'dangling'
    const live = await this.#client.find(kind, key)
    if (live?.metadata.uid === reference.uid) return awaitsDependents(graphNodeOf(kind, live)) ? 'waiting' : 'solid'
    this.#remember(identity)
    return 'dangling'
  }

  #remember(identity: string): void {
    if (this.#absent.size >= ABSENT_OWNERS_MAX) this.#absent.delete(this.#absent.values().next().value!)
    this.#absent.add(identity)
  }
}
