import type { Kind, KubernetesObject } from '../../api/kind.ts'
import type { ApiTransport, WatchEvent } from '../../machinery/api-call.ts'
import { isStatusError } from '../../machinery/status.ts'

export interface ObserverOptions<T extends KubernetesObject> {
  readonly kind: Kind<T>
  readonly transport: ApiTransport
  readonly pause: () => Promise<void>
  readonly onViolation: (text: string) => void
}

/**
 * Watches one kind as any client may, over restarts of the server, and holds the server to its word: every revision once,
 * in order, nothing left out.
 */
export class Observer<T extends KubernetesObject> {
  /** Names of what is there, as far as it was told. */
  readonly #objects = new Set<string>()
  readonly #options: ObserverOptions<T>
  readonly #stop = new AbortController()
  #revision = 0
  /** False until the first object: before a revision is known, a watch begins with the present state, in the order of names. */
  #hasBegun = false

  constructor(options: ObserverOptions<T>) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { transport, kind, pause } = this.#options
    const place = { group: kind.group, version: kind.version, resource: kind.plural } as const
    while (!this.#stop.signal.aborted) {
      try {
        const options = { resourceVersion: String(this.#revision), allowWatchBookmarks: true }
        for await (const event of transport.watch({ ...place, verb: 'watch', options }, this.#stop.signal)) {
          this.#take(event as unknown as WatchEvent<T>)
        }
      } catch (error) {
        // Told that it is too far behind, as after a restart of the server.
        if (isStatusError(error, 'Expired')) await this.#listAnew().catch(() => {})
      }
      if (!this.#stop.signal.aborted) await pause().catch(() => {})
    }
  }

  stop(): void {
    this.#stop.abort(new Error('the run is over'))
  }

  async #listAnew(): Promise<void> {
    const { transport, kind } = this.#options
    const { group, version, plural } = kind
    const list = await transport.request({ verb: 'list', group, version, resource: plural })
    this.#objects.clear()
    for (const object of list.items as unknown as readonly T[]) this.#objects.add(nameOf(object))
    this.#revision = Number((list.metadata as { resourceVersion: string }).resourceVersion)
  }

  #take({ type, object }: WatchEvent<T>): void {
    const { kind, onViolation } = this.#options
    const revision = Number(object.metadata.resourceVersion)
    if (type === 'BOOKMARK') {
      this.#revision = Math.max(this.#revision, revision)
      return
    }
    const name = nameOf(object)
    const isKnown = this.#objects.has(name)
    const said = `${kind.plural} ${name} at ${revision}`
    if (this.#revision > 0 && this.#hasBegun && revision <= this.#revision)
      onViolation(`${said} came twice or out of order`)
    if (type === 'ADDED' && isKnown) onViolation(`${said} was added while it was there`)
    if (type !== 'ADDED' && !isKnown) onViolation(`${said} was ${type.toLowerCase()} before it was added`)
    this.#hasBegun = true
    this.#revision = Math.max(this.#revision, revision)
    if (type === 'DELETED') this.#objects.delete(name)
    else this.#objects.add(name)
  }
}

const nameOf = ({ metadata }: KubernetesObject): string => `${metadata.namespace ?? ''}/${metadata.name}`
