import type { Kind, KubernetesObject } from '../api/kind.ts'
import { CachedInformer, type InformerDependencies, type InformerOptions } from './cached-informer.ts'
import type { Informer, InformerFactory } from './informer.ts'

interface Running {
  readonly informer: CachedInformer<KubernetesObject>
  readonly ended: Promise<void>
}

/** Makes each informer once and runs it until `stop`. */
export class SharedInformers implements InformerFactory {
  readonly #dependencies: InformerDependencies
  readonly #running = new Map<string, Running>()
  readonly #stopping = new AbortController()

  constructor(dependencies: InformerDependencies) {
    this.#dependencies = dependencies
  }

  informer<T extends KubernetesObject>(kind: Kind<T>, options: InformerOptions = {}): Informer<T> {
    const { fieldSelector = '', namespace = '' } = options
    const name = [kind.group, kind.version, kind.plural, namespace, fieldSelector].join('|')
    const known = this.#running.get(name)
    if (known) return known.informer as unknown as Informer<T> // The name holds the kind, so the type is T.
    const informer = new CachedInformer(kind, options, this.#dependencies)
    const ended = informer.run(this.#stopping.signal)
    this.#running.set(name, { informer: informer as unknown as CachedInformer<KubernetesObject>, ended })
    return informer
  }

  async whenSynced(signal?: AbortSignal): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ informer }) => informer.whenSynced(signal)))
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('informers stopped'))
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
  }
}
