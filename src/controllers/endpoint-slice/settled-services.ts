import { Node, Pod, Service } from '../../api/core-v1/types.ts'
import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import type { InformerEvent, InformerFactory } from '../../client/informer.ts'
import { keyOf, keyText, type ObjectKey } from '../../machinery/object.ts'

/** Versions of our own whose events are awaited. */
const OWN_VERSIONS_MAX = 10_000

/** How to tell which Services an event concerns. */
export interface ServiceFinders {
  readonly ofPod: (event: InformerEvent<Pod>) => readonly ObjectKey[]
  readonly ofSlice: (event: InformerEvent<EndpointSlice>) => readonly ObjectKey[]
  readonly ofNode: (event: InformerEvent<Node>) => readonly ObjectKey[]
}

/**
 * The Services of which nothing has changed since they were looked at, but for our own writes: without this memory each
 * write would be followed by a second look over all Pods that finds nothing to do. A Service is unsettled until told.
 */
export class SettledServices {
  readonly #settled = new Set<string>()
  readonly #ownVersions = new Set<string>()

  constructor(informers: InformerFactory, { ofPod, ofSlice, ofNode }: ServiceFinders) {
    const unsettleAll = (keys: readonly ObjectKey[]): void => {
      for (const key of keys) this.unsettle(key)
    }
    informers.informer(Service).subscribe(({ object }) => this.unsettle(keyOf(object)))
    informers.informer(Pod).subscribe(event => unsettleAll(ofPod(event)))
    informers.informer(Node).subscribe(event => unsettleAll(ofNode(event)))
    informers.informer(EndpointSlice).subscribe(event => {
      const isOwn = event.type !== 'deleted' && this.#ownVersions.delete(event.object.metadata.resourceVersion)
      if (!isOwn) unsettleAll(ofSlice(event))
    })
  }

  has(key: ObjectKey): boolean {
    return this.#settled.has(keyText(key))
  }

  /** Call it when everything was read, before anything is written: what changes from then on unsettles again. */
  settle(key: ObjectKey): void {
    this.#settled.add(keyText(key))
  }

  unsettle(key: ObjectKey): void {
    this.#settled.delete(keyText(key))
  }

  /** The event that shows this version is our own, unless it came before the answer did. */
  wrote<T extends EndpointSlice>(slice: T, seen: EndpointSlice | undefined): T {
    const { resourceVersion } = slice.metadata
    if (this.#ownVersions.size >= OWN_VERSIONS_MAX) this.#ownVersions.clear() // Costs a look each, and nothing else.
    if (seen?.metadata.resourceVersion !== resourceVersion) this.#ownVersions.add(resourceVersion)
    return slice
  }
}
