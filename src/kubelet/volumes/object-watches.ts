import { ConfigMap, type Pod, Secret } from '../../api/core-v1/types.ts'
import type { Kind } from '../../api/kind.ts'
import { CachedInformer, type InformerDependencies } from '../../client/cached-informer.ts'
import { livingVolumesOf } from './living-volumes.ts'

interface Watched {
  readonly stop: AbortController
  readonly listeners: Set<() => void>
}

type Wanted = { readonly kind: Kind<ConfigMap> | Kind<Secret>; readonly namespace: string; readonly name: string }

/**
 * Watches the ConfigMaps and Secrets whose content running Pods have as files: each by its name, as a machine may see no
 * others, and only while some Pod needs it.
 */
export class ObjectWatches {
  readonly #dependencies: InformerDependencies
  readonly #stopped: AbortSignal
  readonly #watched = new Map<string, Watched>()

  /** All watches end with the signal. */
  constructor(dependencies: InformerDependencies, signal: AbortSignal) {
    this.#dependencies = dependencies
    this.#stopped = signal
  }

  /** Calls back after every change of what a Pod's volumes are made of, until it is disposed of. */
  watch(pod: Pod, onChange: () => void): Disposable {
    const wanted = wantedBy(pod)
    for (const object of wanted) this.#join(object, onChange)
    return {
      [Symbol.dispose]: () => {
        for (const object of wanted) this.#leave(object, onChange)
      },
    }
  }

  #join(wanted: Wanted, onChange: () => void): void {
    const known = this.#watched.get(textOf(wanted)) ?? this.#start(wanted)
    known.listeners.add(onChange)
  }

  #start({ kind, namespace, name }: Wanted): Watched {
    const watched = { stop: new AbortController(), listeners: new Set<() => void>() }
    this.#watched.set(textOf({ kind, namespace, name }), watched)
    const options = { namespace, fieldSelector: `metadata.name=${name}` }
    const informer = new CachedInformer<ConfigMap | Secret>(
      kind as Kind<ConfigMap | Secret>,
      options,
      this.#dependencies,
    )
    const tell = (): void => {
      for (const listener of watched.listeners) listener()
    }
    informer.subscribe(event => {
      if (event.type !== 'added' || informer.isSynced) tell() // What was there from the start is in the files already.
    })
    void informer.run(AbortSignal.any([watched.stop.signal, this.#stopped]))
    return watched
  }

  #leave(wanted: Wanted, onChange: () => void): void {
    const watched = this.#watched.get(textOf(wanted))
    watched?.listeners.delete(onChange)
    if (!watched || watched.listeners.size > 0) return
    watched.stop.abort(new Error('no pod needs this object any more'))
    this.#watched.delete(textOf(wanted))
  }
}

const textOf = ({ kind, namespace, name }: Wanted): string => `${kind.plural} ${namespace}/${name}`

/** Each object once. */
function wantedBy(pod: Pod): readonly Wanted[] {
  const { namespace } = pod.metadata
  const found = new Map<string, Wanted>()
  const want = (kind: Wanted['kind'], name: string | undefined): void => {
    if (!name) return
    const wanted = { kind, namespace, name }
    found.set(textOf(wanted), wanted)
  }
  for (const { configMap, secret, projected } of livingVolumesOf(pod)) {
    want(ConfigMap, configMap?.name)
    want(Secret, secret?.secretName)
    for (const source of projected?.sources ?? []) {
      want(ConfigMap, source.configMap?.name)
      want(Secret, source.secret?.name)
    }
  }
  return [...found.values()]
}
