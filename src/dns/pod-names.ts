import type { Pod } from '../api/core-v1/types.ts'
import type { Clock } from '../machinery/clock.ts'
import { publishesUnready } from '../machinery/service-endpoints.ts'
import type { ClusterCatalog } from './cluster/catalog.ts'

/** A container starts after this long in any case: a slow control plane must not keep a Pod from running. */
const WAIT_MS_MAX = 2000

/** What must be known for a Pod to find itself: the names under which it is published although not ready. */
interface PublishedPod {
  readonly namespace: string
  readonly hostname: string
  readonly serviceName: string
  readonly address: string
}

export type WhenPodNamesAnswer = (pod: Pod, signal: AbortSignal) => Promise<void>

/**
 * Resolves once this machine's DNS answers the Pod's own name with the Pod's own address, when its Service publishes
 * unready addresses; at once when nothing is to be waited for; after two seconds in any case. To be awaited between
 * writing the Pod's address to the API and starting its first container. Rejects only with the signal's reason.
 */
export function whenPodNamesAnswer({ catalog, clock }: { catalog: ClusterCatalog; clock: Clock }): WhenPodNamesAnswer {
  return async (pod, signal) => {
    const awaited = publishedPodOf(pod)
    if (!awaited || isAnswered(catalog, awaited)) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    using _timer = clock.schedule(WAIT_MS_MAX, resolve)
    using _subscription = catalog.onChange(() => isAnswered(catalog, awaited) && resolve())
    try {
      if (signal.aborted) abort()
      await promise
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }
}

function publishedPodOf({ metadata, spec, status }: Pod): PublishedPod | undefined {
  if (!spec.subdomain || !status?.podIP) return undefined
  return {
    namespace: metadata.namespace,
    hostname: spec.hostname ?? metadata.name,
    serviceName: spec.subdomain,
    address: status.podIP,
  }
}

function isAnswered(catalog: ClusterCatalog, { namespace, hostname, serviceName, address }: PublishedPod): boolean {
  const entry = catalog.service(namespace, serviceName)
  if (!entry) return catalog.isSynced // No such Service: its names cannot come before it does.
  if (!publishesUnready(entry.service) || !entry.service.spec.selector) return true
  return entry.byLabel.get(hostname.toLowerCase())?.some(endpoint => endpoint.address === address) ?? false
}
