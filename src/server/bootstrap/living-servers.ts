import { Lease } from '../../api/coordination-v1/types.ts'
import { Endpoints } from '../../api/core-v1/types.ts'
import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import type { Kind, KubernetesObject, Unsaved } from '../../api/kind.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { Logger } from '../../machinery/logger.ts'
import { isStatusError } from '../../machinery/status.ts'
import { microTimeText, timeOf } from '../../machinery/time.ts'
import { type BootstrapWriter, says } from './bootstrap-writer.ts'
import { addressesByPort, OWN_SERVICE, ownEndpoints, ownSlices, SLICES } from './own-endpoints.ts'

export interface LivingServersOptions {
  readonly writer: BootstrapWriter
  readonly clock: Clock
  readonly logger: Logger
  /** Where Pods reach this server. */
  readonly addresses: readonly string[]
  readonly port: number
}

/** How often a server says that it lives, and after which silence the others hold it for dead. */
const RENEW_MS = 5_000
const LEASE_MS = 15_000
/** By how much clocks of servers may differ: a Lease older than this at first sight is what a server long gone left. */
const CLOCKS_APART_MS = 60_000
/** Servers that start, stop and look at the same time conflict; each round of theirs lets one through. */
const ATTEMPTS_MAX = 30
/** A store that does not answer must not hold up a server that ends. */
const LEAVE_MS_MAX = 2_000

const NAMESPACE = 'kube-system'
const LABELS = { 'apiserver.kubernetes.io/identity': 'holdfast' }

/**
 * Keeps the addresses behind the Service `kubernetes` those of all servers that live. Each server renews a Lease and
 * looks at the others': who stops takes itself out at once, who was killed is taken out by whoever sees the Lease end.
 */
export class LivingServers {
  readonly #options: LivingServersOptions
  readonly #leaseName: string
  readonly #holder: string
  readonly #stopping = new AbortController()
  /** When each Lease was seen to change, by this machine's own clock: those of others may go wrong. */
  readonly #seen = new Map<string, { readonly renewTime: string; readonly atMs: number }>()
  #running: Promise<void> = Promise.resolve()

  constructor(options: LivingServersOptions) {
    this.#options = options
    const { addresses, port } = options
    this.#holder = addresses.map(address => `${address} ${port}`).join(',')
    this.#leaseName = `apiserver-${this.#holder.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`
  }

  /** Resolves when this server's address is among those of the Service. */
  async join(): Promise<void> {
    await this.#renew()
    await this.#publish()
    this.#running = this.#stayIn()
  }

  /** Takes this server's address out. The last one leaves it: there is no better one to go to. */
  async leave(): Promise<void> {
    this.#stopping.abort(new Error('the server is closed'))
    await this.#running
    const { clock, logger } = this.#options
    const late = new AbortController()
    const leaving = this.#takeOut().catch(error => {
      if (!late.signal.aborted) logger.warn({ err: error }, 'this server could not be taken out of its Service')
    })
    const tooLate = clock.sleep(LEAVE_MS_MAX, late.signal).catch(() => {})
    await Promise.race([leaving, tooLate])
    late.abort()
  }

  async #takeOut(): Promise<void> {
    await this.#options.writer.remove(Lease, { metadata: { namespace: NAMESPACE, name: this.#leaseName } })
    await this.#publish()
  }

  async #stayIn(): Promise<void> {
    const { clock, logger } = this.#options
    for (;;) {
      try {
        await clock.sleep(RENEW_MS, this.#stopping.signal)
      } catch {
        return
      }
      try {
        await this.#renew()
        await this.#publish()
      } catch (error) {
        logger.warn({ err: error }, 'the addresses of the servers could not be renewed')
      }
    }
  }

  async #renew(): Promise<void> {
    const { writer, clock } = this.#options
    const spec = {
      holderIdentity: this.#holder,
      leaseDurationSeconds: LEASE_MS / 1000,
      renewTime: microTimeText(clock.now()),
    }
    await writer.replace(Lease, { metadata: { namespace: NAMESPACE, name: this.#leaseName, labels: LABELS }, spec })
  }

  async #publish(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#publishOnce()
      } catch (error) {
        if (!(isConflict(error) && attempt < ATTEMPTS_MAX)) throw error
      }
    }
  }

  /**
   * What is published is read before the Leases are. So whoever decides by an older list of servers writes over an older
   * revision of each object, conflicts with the one that knew more, and looks again.
   */
  async #publishOnce(): Promise<void> {
    const { writer } = this.#options
    const endpoints = await writer.find(Endpoints, { metadata: OWN_SERVICE })
    const slices = await writer.list(EndpointSlice, SLICES)
    const holders = await this.#livingHolders()
    if (holders.length === 0) return
    const groups = addressesByPort(holders)
    const wanted = ownSlices(groups)
    await Promise.all([
      this.#write(Endpoints, endpoints, ownEndpoints(groups)),
      ...wanted.map(slice => {
        const found = slices.find(({ metadata }) => metadata.name === slice.metadata.name)
        return this.#write(EndpointSlice, found, slice)
      }),
    ])
    const names = new Set(wanted.map(({ metadata }) => metadata.name))
    for (const slice of slices) if (!names.has(slice.metadata.name)) await writer.remove(EndpointSlice, slice)
  }

  async #write<T extends KubernetesObject>(kind: Kind<T>, found: T | undefined, wanted: Unsaved<T>): Promise<void> {
    const { writer } = this.#options
    if (!found) await writer.create(kind, wanted)
    else if (!says(found, wanted)) await writer.update(kind, found, wanted)
  }

  async #livingHolders(): Promise<string[]> {
    const { writer } = this.#options
    const leases = await writer.list(Lease, { namespace: NAMESPACE, labels: LABELS })
    const living: string[] = []
    for (const lease of leases) {
      if (this.#lives(lease)) living.push(lease.spec.holderIdentity ?? '')
      else await writer.remove(Lease, lease)
    }
    return living
  }

  #lives({ metadata: { name }, spec: { renewTime = '' } }: Lease): boolean {
    const { clock } = this.#options
    if (name === this.#leaseName) return true
    const nowMs = clock.monotonicMs()
    const seen = this.#seen.get(name)
    if (seen?.renewTime === renewTime) return nowMs - seen.atMs < LEASE_MS
    this.#seen.set(name, { renewTime, atMs: nowMs })
    if (seen) return true
    return renewTime !== '' && clock.now().getTime() - timeOf(renewTime).getTime() < LEASE_MS + CLOCKS_APART_MS
  }
}

const isConflict = (error: unknown): boolean =>
  isStatusError(error, 'Conflict') || isStatusError(error, 'AlreadyExists') || isStatusError(error, 'NotFound')
