import type { Kind, KubernetesObject } from '../api/kind.ts'
import { CachedInformer, type InformerDependencies, type InformerOptions } from './cached-informer.ts'
import type { Informer, InformerFactory } from './informer.ts'

interface Running {
  readonly informer: CachedInformer<KubernetesObject>
  readonly ended: Promise<void>
  readonly stop: AbortController
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
    const name = `${prefixOf(kind)}${namespace}|${fieldSelector}`
    const known = this.#running.get(name)
    if (known) return known.informer as unknown as Informer<T> // The name holds the kind, so the type is T.
    const informer = new CachedInformer(kind, options, this.#dependencies)
    const stop = new AbortController()
    const ended = informer.run(AbortSignal.any([this.#stopping.signal, stop.signal]))
    this.#running.set(name, { informer: informer as unknown as CachedInformer<KubernetesObject>, ended, stop })
    return informer
  }

  release(kind: Kind): void {
    for (const [name, { informer, stop }] of this.#running) {
      if (!name.startsWith(prefixOf(kind))) continue
      this.#running.delete(name)
      stop.abort(new Error('the kind is not served any more'))
      informer.clear()
    }
  }

  async whenSynced(signal?: AbortSignal): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ informer }) => informer.whenSynced(signal)))
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('informers stopped'))
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
  }
}

const prefixOf = ({ group, version, plural }: Kind): string => `${group}|${version}|${plural}|`
