import type { Kind, KubernetesObject } from '../../src/api/kind.ts'
import type { Informer, InformerEvent, InformerFactory } from '../../src/client/informer.ts'
import { ObjectCache } from '../../src/client/object-cache.ts'
import { keyOf, type ObjectKey } from '../../src/machinery/object.ts'

/** An informer whose server is the test: it holds what it is given, and is synced when told so. */
class HandFedInformer<T extends KubernetesObject> extends ObjectCache<T> implements Informer<T> {
  readonly kind: Kind<T>
  readonly resourceVersion = '1'
  isSynced = false
  readonly #synced = Promise.withResolvers<void>()
  readonly #handlers = new Set<(event: InformerEvent<T>) => void>()

  constructor(kind: Kind<T>) {
    super()
    this.kind = kind
  }

  async whenSynced(): Promise<void> {
    await this.#synced.promise
  }

  subscribe(handle: (event: InformerEvent<T>) => void): Disposable {
    for (const object of this.list()) handle({ type: 'added', object })
    this.#handlers.add(handle)
    return { [Symbol.dispose]: () => this.#handlers.delete(handle) }
  }

  sync(): void {
    this.isSynced = true
    this.#synced.resolve()
  }

  set(object: T): void {
    const previous = this.put(object)
    this.#tell(previous ? { type: 'updated', object, previous } : { type: 'added', object })
  }

  drop(key: ObjectKey): void {
    const object = this.remove(key)
    if (object) this.#tell({ type: 'deleted', object })
  }

  #tell(event: InformerEvent<T>): void {
    for (const handle of this.#handlers) handle(event)
  }
}

/** Informers fed by hand, for tests of components that only read. */
export class HandFedInformers implements InformerFactory {
  readonly #informers = new Map<string, HandFedInformer<KubernetesObject>>()
  #isSynced = false

  informer<T extends KubernetesObject>(kind: Kind<T>): HandFedInformer<T> {
    const known = this.#informers.get(kind.plural)
    if (known) return known as unknown as HandFedInformer<T> // One informer for each kind.
    const informer = new HandFedInformer(kind)
    this.#informers.set(kind.plural, informer as unknown as HandFedInformer<KubernetesObject>)
    if (this.#isSynced) informer.sync()
    return informer
  }

  release({ plural }: Kind): void {
    this.#informers.delete(plural)
  }

  async whenSynced(): Promise<void> {}

  async stop(): Promise<void> {}

  /** From here on, every informer has seen all there is. */
  sync(): this {
    this.#isSynced = true
    for (const informer of this.#informers.values()) informer.sync()
    return this
  }

  set<T extends KubernetesObject>(kind: Kind<T>, object: T): this {
    this.informer(kind).set(object)
    return this
  }

  drop<T extends KubernetesObject>(kind: Kind<T>, object: T): this {
    this.informer(kind).drop(keyOf(object))
    return this
  }
}
