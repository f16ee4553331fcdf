import { Lease } from '../api/coordination-v1/types.ts'
import type { Clock } from '../machinery/clock.ts'
import type { Logger } from '../machinery/logger.ts'
import type { ObjectKey } from '../machinery/object.ts'
import { isStatusError } from '../machinery/status.ts'
import { microTimeText } from '../machinery/time.ts'
import type { Client } from './client.ts'

/** A leader that has not renewed for so long may be replaced. */
const LEASE_MS = 3000
/** A leader that could not renew for so long steps down, before anyone else may think it gone. */
const RENEW_DEADLINE_MS = 2000
/** Short, so that silence is noticed and answered within the lease's length and twice this. */
const RETRY_MS = 500
/** Attempts to let go. */
const RELEASES_MAX = 3

export interface LeaderElectionOptions {
  readonly client: Client
  readonly clock: Clock
  readonly logger: Logger
  readonly lease: ObjectKey & { readonly namespace: string }
  /** Unique among the candidates. */
  readonly identity: string
}

interface Observed {
  readonly resourceVersion: string
  readonly atMs: number
}

/**
 * Runs `lead` whenever this candidate holds the Lease, and aborts its signal as soon as it may not (client-go's
 * protocol: only the candidate's own clock is trusted, against changes it has itself seen). Resolves when `signal` ends.
 */
export async function runWhileLeading(
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const candidate = new Candidate(options)
  while (!signal.aborted) {
    if (!(await candidate.tryToHold())) {
      await options.clock.sleep(RETRY_MS, signal).catch(() => {})
      continue
    }
    options.logger.info({ lease: options.lease.name, identity: options.identity }, 'leading')
    const leading = new AbortController()
    const stop = (): void => leading.abort(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    const leadership = lead(leading.signal)
    await Promise.race([candidate.holdOn(leading.signal), leadership])
    signal.removeEventListener('abort', stop)
    leading.abort(new Error('leadership lost'))
    await leadership
    await candidate.release()
  }
}

class Candidate {
  readonly #options: LeaderElectionOptions
  #observed: Observed | undefined

  constructor(options: LeaderElectionOptions) {
    this.#options = options
  }

  /** Takes or renews the Lease. False when another holds it, or the server did not answer as hoped. */
  async tryToHold(): Promise<boolean> {
    const { client, lease: key, clock, logger, identity } = this.#options
    try {
      const lease = await client.find(Lease, key)
      if (!lease) {
        await client.create(Lease, { metadata: { ...key }, spec: this.#specAfter(undefined) })
        return true
      }
      if (this.#observed?.resourceVersion !== lease.metadata.resourceVersion) {
        this.#observed = { resourceVersion: lease.metadata.resourceVersion, atMs: clock.monotonicMs() }
      }
      const { holderIdentity, leaseDurationSeconds = LEASE_MS / 1000 } = lease.spec
      const isSilent = clock.monotonicMs() - this.#observed.atMs > leaseDurationSeconds * 1000
      if (holderIdentity && holderIdentity !== identity && !isSilent) return false
      await client.update(Lease, { ...lease, spec: this.#specAfter(lease.spec) })
      return true
    } catch (error) {
      if (!isStatusError(error, 'Conflict') && !isStatusError(error, 'AlreadyExists')) {
        logger.warn({ err: error, lease: key.name }, 'lease not renewed')
      }
      return false
    }
  }

  /** Renews until the signal ends or the deadline passes without success. */
  async holdOn(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    let renewedMs = clock.monotonicMs()
    while (!signal.aborted && clock.monotonicMs() - renewedMs < RENEW_DEADLINE_MS) {
      await clock.sleep(RETRY_MS, signal).catch(() => {})
      if (signal.aborted) return
      const askedMs = clock.monotonicMs()
      const deadlineMs = renewedMs + RENEW_DEADLINE_MS - askedMs
      const silence = clock
        .sleep(deadlineMs, signal)
        .catch(() => {})
        .then(() => false) // A server that never answers.
      if (await Promise.race([this.tryToHold(), silence])) renewedMs = askedMs
    }
  }

  /** Lets go, so that the next leader need not wait for the Lease to run out. */
  async release(): Promise<void> {
    const { client, lease: key, identity, logger } = this.#options
    for (let attempt = 1; attempt <= RELEASES_MAX; attempt++) {
      try {
        const lease = await client.find(Lease, key)
        if (lease?.spec.holderIdentity !== identity) return
        await client.update(Lease, { ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 } })
        return
      } catch (error) {
        if (isStatusError(error, 'Conflict')) continue // A renewal of our own was still on its way.
        logger.debug({ err: error, lease: key.name }, 'lease not released; it will run out')
        return
      }
    }
  }

  #specAfter(spec: Lease['spec'] | undefined): Lease['spec'] {
    const { clock, identity } = this.#options
    const now = microTimeText(clock.now())
    const isNew = spec?.holderIdentity !== identity
    return {
      ...spec,
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_MS / 1000,
      acquireTime: isNew ? now : (spec?.acquireTime ?? now),
      renewTime: now,
      leaseTransitions: (spec?.leaseTransitions ?? 0) + (isNew && spec ? 1 : 0),
    }
  }
}
