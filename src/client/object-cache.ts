import type { KubernetesObject } from '../api/kind.ts'
import { keyOf, keyText, type ObjectKey } from '../machinery/object.ts'
import { matchesLabels, type Requirements } from '../machinery/selectors.ts'
import type { Lister } from './informer.ts'

type Bucket<T> = Map<string, T>

interface Index<T> {
  readonly valuesOf: (object: T) => readonly string[]
  readonly buckets: Map<string, Bucket<T>>
}

const NAMESPACE = 'namespace'

/** Objects by key and by any number of indexes. Every change costs only the buckets that it touches. */
export class ObjectCache<T extends KubernetesObject> implements Lister<T> {
  readonly #objects: Bucket<T> = new Map()
  readonly #indexes = new Map<string, Index<T>>()

  constructor() {
    this.addIndex(NAMESPACE, ({ metadata }) => (metadata.namespace ? [metadata.namespace] : []))
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(keyText(key))
  }

  list({ namespace, labels }: { readonly namespace?: string; readonly labels?: Requirements } = {}): readonly T[] {
    const objects = namespace === undefined ? [...this.#objects.values()] : this.byIndex(NAMESPACE, namespace)
    return labels ? objects.filter(object => matchesLabels(labels, object.metadata.labels)) : objects
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name)
    if (!index) throw new Error(`no index named "${name}"; add it before the first look-up`)
    return [...(index.buckets.get(value)?.values() ?? [])]
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys()
  }

  addIndex(name: string, valuesOf: Index<T>['valuesOf']): void {
    if (this.#indexes.has(name)) return
    const index: Index<T> = { valuesOf, buckets: new Map() }
    this.#indexes.set(name, index)
    for (const [key, object] of this.#objects) fileUnder(index, key, object)
  }

  /** Stores the object and answers what stood there before. */
  put(object: T): T | undefined {
    const key = keyText(keyOf(object))
    const previous = this.#objects.get(key)
    this.#objects.set(key, object)
    for (const index of this.#indexes.values()) {
      if (previous) removeFrom(index, key, previous)
      fileUnder(index, key, object)
    }
    return previous
  }

  /** Removes the object and answers what stood there. */
  remove(key: ObjectKey): T | undefined {
    const text = keyText(key)
    const previous = this.#objects.get(text)
    if (!previous) return undefined
    this.#objects.delete(text)
    for (const index of this.#indexes.values()) removeFrom(index, text, previous)
    return previous
  }
}

function fileUnder<T>({ valuesOf, buckets }: Index<T>, key: string, object: T): void {
  for (const value of valuesOf(object)) {
    const bucket = buckets.get(value)
    if (bucket) bucket.set(key, object)
    else buckets.set(value, new Map([[key, object]]))
  }
}

function removeFrom<T>({ valuesOf, buckets }: Index<T>, key: string, object: T): void {
  for (const value of valuesOf(object)) {
    const bucket = buckets.get(value)
    bucket?.delete(key)
    if (bucket?.size === 0) buckets.delete(value)
  }
}
