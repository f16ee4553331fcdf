import type { Kind, KubernetesObject, Unsaved } from '../api/kind.ts'
import type { Client, DeleteOptions } from '../client/client.ts'
import type { Informer, InformerFactory } from '../client/informer.ts'
import { keyOf, keyText, type ObjectKey } from '../machinery/object.ts'
import { isStatusError } from '../machinery/status.ts'

/** How long a pass that met its own unseen write waits at most, if the event that shows the write never enqueues it. */
export const UNSEEN_WRITE_RECHECK_MS = 1000

interface Seen {
  readonly type: 'seen'
  readonly kind: Kind
  readonly resourceVersion: string
}

type Expected =
  | Seen
  | { readonly type: 'gone'; readonly kind: Kind; readonly key: ObjectKey; readonly uid: string }
  | { readonly type: 'uncertain'; readonly kind: Kind; readonly key: ObjectKey }

/**
 * What a controller has written and its caches may not show yet, by the key that it was written for. A pass that asks
 * `areMet` first never acts twice on a stale cache: it ends at once when the answer is no, and the event that shows the
 * write enqueues the key again. Resource versions are compared as numbers, as Kubernetes promises since 1.35.
 */
export class Expectations {
  readonly #client: Client
  readonly #informers: InformerFactory
  readonly #byKind = new Map<Kind, Informer<KubernetesObject>>()
  readonly #expected = new Map<string, Expected[]>()

  constructor({ client, informers }: { readonly client: Client; readonly informers: InformerFactory }) {
    this.#client = client
    this.#informers = informers
  }

  /** Creates under a name chosen here, and expects to see it. When the outcome is unknown, the next `areMet` finds out. */
  async create<T extends KubernetesObject>(owner: ObjectKey, kind: Kind<T>, object: Unsaved<T>): Promise<T> {
    try {
      return this.wrote(owner, kind, await this.#client.create(kind, object))
    } catch (error) {
      if (!isStatusError(error)) this.#expect(owner, { type: 'uncertain', kind: kind as Kind, key: keyOf(object) })
      throw error
    }
  }

  /** Deletes exactly this object, and expects to see it terminating or gone. One that is gone already counts as done. */
  async delete<T extends KubernetesObject>(
    owner: ObjectKey,
    kind: Kind<T>,
    object: T,
    options: Pick<DeleteOptions, 'gracePeriodSeconds' | 'propagationPolicy'> = {},
  ): Promise<void> {
    const { uid } = object.metadata
    try {
      await this.#client.delete(kind, keyOf(object), { ...options, preconditions: { uid } })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
    this.#expect(owner, { type: 'gone', kind: kind as Kind, key: keyOf(object), uid })
  }

  /** Expects the cache to reach this answer of the server. Answers it, for chaining. */
  wrote<T extends KubernetesObject>(owner: ObjectKey, kind: Kind<T>, answer: T): T {
    this.#expect(owner, { type: 'seen', kind: kind as Kind, resourceVersion: answer.metadata.resourceVersion })
    return answer
  }

  /** True when the caches show everything that was written for this key. */
  async areMet(owner: ObjectKey): Promise<boolean> {
    const text = keyText(owner)
    for (const expected of this.#expected.get(text) ?? []) {
      if (expected.type === 'uncertain') await this.#findOut(owner, expected)
    }
    const open = (this.#expected.get(text) ?? []).filter(expected => !this.#isMet(expected))
    if (open.length > 0) this.#expected.set(text, open)
    else this.#expected.delete(text)
    return open.length === 0
  }

  /** The object that the writes were for is gone. */
  forget(owner: ObjectKey): void {
    this.#expected.delete(keyText(owner))
  }

  async #findOut(owner: ObjectKey, expected: Expected & { type: 'uncertain' }): Promise<void> {
    const object = await this.#client.find(expected.kind, expected.key)
    const rest = (this.#expected.get(keyText(owner)) ?? []).filter(other => other !== expected)
    this.#expected.set(keyText(owner), rest)
    if (object) this.wrote(owner, expected.kind, object)
  }

  #expect(owner: ObjectKey, expected: Expected): void {
    const text = keyText(owner)
    const list = this.#expected.get(text) ?? []
    this.#expected.set(text, list)
    const at =
      expected.type === 'seen' ? list.findIndex(other => other.type === 'seen' && other.kind === expected.kind) : -1
    if (at < 0) list.push(expected)
    else list[at] = later(list[at] as Seen, expected as Seen) // Who has seen the later write has seen the earlier.
  }

  #informerOf(kind: Kind): Informer<KubernetesObject> {
    const known = this.#byKind.get(kind)
    if (known) return known
    const informer = this.#informers.informer(kind)
    this.#byKind.set(kind, informer)
    return informer
  }

  #isMet(expected: Expected): boolean {
    const informer = this.#informerOf(expected.kind)
    switch (expected.type) {
      case 'seen':
        return hasReached(informer.resourceVersion, expected.resourceVersion)
      case 'gone': {
        const cached = informer.get(expected.key)
        return cached?.metadata.uid !== expected.uid || cached.metadata.deletionTimestamp !== undefined
      }
      case 'uncertain':
        return false
    }
  }
}

const later = (a: Seen, b: Seen): Seen => (hasReached(a.resourceVersion, b.resourceVersion) ? a : b)

/** Whether a cache at `have` holds the write that made `wanted`. */
export function hasReached(have: string, wanted: string): boolean {
  return have.length === wanted.length ? have >= wanted : have.length > wanted.length
}
