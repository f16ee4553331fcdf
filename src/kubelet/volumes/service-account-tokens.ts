import { type Pod, ServiceAccount } from '../../api/core-v1/types.ts'
import type { Client } from '../../client/client.ts'
import type { Clock } from '../../machinery/clock.ts'
import { timeOf } from '../../machinery/time.ts'

export interface TokenWanted {
  readonly expirationSeconds: number
  readonly audience?: string
}

interface Cached {
  readonly token: string
  readonly renewAtMs: number
}

const LIFETIME_MS_MAX = 24 * 3_600_000

/** Tokens that Pods prove their ServiceAccount with, bound to the Pod, renewed after 80 % of their life or a day. */
export class ServiceAccountTokens {
  readonly #client: Client
  readonly #clock: Clock
  readonly #cache = new Map<string, Map<string, Cached>>()

  constructor({ client, clock }: { client: Client; clock: Clock }) {
    this.#client = client
    this.#clock = clock
  }

  async tokenFor(pod: Pod, wanted: TokenWanted): Promise<string> {
    const ofPod = this.#cache.get(pod.metadata.uid) ?? new Map<string, Cached>()
    const key = `${wanted.audience ?? ''} ${wanted.expirationSeconds}`
    const cached = ofPod.get(key)
    if (cached && cached.renewAtMs > this.#clock.now().getTime()) return cached.token
    const fresh = await this.#request(pod, wanted)
    ofPod.set(key, fresh)
    this.#cache.set(pod.metadata.uid, ofPod)
    return fresh.token
  }

  /** When the next token of the Pod is due for renewal; undefined when it has none. */
  nextRenewalMs(podUid: string): number | undefined {
    const times = [...(this.#cache.get(podUid)?.values() ?? [])].map(({ renewAtMs }) => renewAtMs)
    return times.length > 0 ? Math.min(...times) - this.#clock.now().getTime() : undefined
  }

  forget(podUid: string): void {
    this.#cache.delete(podUid)
  }

  async #request({ metadata, spec }: Pod, { expirationSeconds, audience }: TokenWanted): Promise<Cached> {
    const { namespace, name, uid } = metadata
    const answer = await this.#client.createSubresource(
      ServiceAccount,
      { namespace, name: spec.serviceAccountName || 'default' },
      {
        subresource: 'token',
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          metadata: {},
          spec: {
            audiences: audience ? [audience] : [],
            expirationSeconds,
            boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
          },
        },
      },
    )
    const { token, expirationTimestamp } = answer.status as { token: string; expirationTimestamp: string }
    const nowMs = this.#clock.now().getTime()
    const lifetimeMs = timeOf(expirationTimestamp).getTime() - nowMs
    return { token, renewAtMs: nowMs + Math.min(lifetimeMs * 0.8, LIFETIME_MS_MAX) }
  }
}
