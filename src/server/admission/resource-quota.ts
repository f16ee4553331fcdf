import { ResourceQuota } from '../../api/core-v1/types.ts'
import type { Kind, KubernetesObject } from '../../api/kind.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { AdmissionPlugin, AdmissionRequest, ResourceInfo } from '../../registry/resource.ts'
import type { ObjectCache, ObjectCaches } from '../object-cache.ts'
import { add, difference, requireRoom, requireSpecified } from './quota-room.ts'
import { type Counted, countedBy, isInScope, type Usage, usageOf } from './quota-usage.ts'
import { SharedReservations } from './shared-reservations.ts'

/** A write that was let through, and that the cache may not show yet. */
interface Reservation {
  readonly object: KubernetesObject
  readonly previous?: KubernetesObject
  isSettled: boolean
  isSeen: boolean
}

/**
 * Keeps every namespace within its quotas. What is used is what is stored plus what has been let through and is not seen
 * as stored yet, and both are looked at in one step with the decision: so concurrent creates never overshoot. Where other
 * servers write to the same store, they agree by `SharedReservations`.
 */
export class ResourceQuotas implements AdmissionPlugin {
  readonly name = 'ResourceQuota'
  readonly #caches: ObjectCaches
  readonly #quotas: ObjectCache<ResourceQuota>
  /** By `group/plural`, then namespace. */
  readonly #reservations = new Map<string, Map<string, Set<Reservation>>>()

  readonly #shared: SharedReservations

  constructor(caches: ObjectCaches, clock: Clock) {
    this.#caches = caches
    this.#shared = new SharedReservations(caches, clock)
    this.#quotas = caches.of(ResourceQuota)
  }

  validate(request: AdmissionRequest): ReturnType<NonNullable<AdmissionPlugin['validate']>> {
    const { operation, namespace, resource, subresource } = request
    if (operation === 'DELETE' || operation === 'CONNECT' || subresource !== undefined || !namespace) return undefined
    const object = request.object as unknown as KubernetesObject
    const quotas: ResourceQuota[] = []
    for (const quota of this.#quotas.list(namespace)) if (isConcerned(quota, object, resource)) quotas.push(quota)
    if (quotas.length === 0) return undefined
    const kind = kindOf(resource)
    if (this.#caches.isShared) {
      for (const quota of quotas) requireSpecified(request, quota, object, kind)
      const previous = request.oldObject as unknown as KubernetesObject | undefined
      return this.#shared.reserve(quotas, { request, object, previous, kind, namespace })
    }
    const cache = this.#cacheOf(kind)
    return this.#admitWhenSynced(request, { object, quotas, cache, namespace, kind })
  }

  /** What is used of one quota now. */
  async used(quota: ResourceQuota, infoOf: (counted: Counted) => ResourceInfo | undefined): Promise<Usage> {
    const total = new Map<string, bigint>()
    const names = Object.keys(quota.spec?.hard ?? {})
    const kinds = new Map(
      names.map(name => countedBy(name)!).map(counted => [`${counted.group}/${counted.plural}`, counted]),
    )
    for (const counted of kinds.values()) {
      const info = infoOf(counted)
      if (!info) continue
      const cache = this.#cacheOf(kindOf(info))
      await cache.whenSynced()
      add(total, this.#usage(quota, cache, counted, quota.metadata.namespace))
    }
    return new Map(names.map(name => [name, total.get(name) ?? 0n]))
  }

  async #admitWhenSynced(
    request: AdmissionRequest,
    subject: {
      object: KubernetesObject
      quotas: readonly ResourceQuota[]
      cache: ObjectCache<KubernetesObject>
      namespace: string
      kind: Kind
    },
  ): Promise<(committed: boolean) => void> {
    const { object, quotas, cache, namespace, kind } = subject
    await cache.whenSynced()
    // From here to the reservation nothing may wait: that is what makes the check and the claim one step.
    const previous = request.oldObject as unknown as KubernetesObject | undefined
    for (const quota of quotas) {
      requireSpecified(request, quota, object, kind)
      const used = this.#usage(quota, cache, kind, namespace)
      const before = previous && isInScope(quota, previous, kind) ? usageOf(previous, kind) : undefined
      requireRoom(request, { quota, used, wanted: difference(usageOf(object, kind), before) })
    }
    const reservation: Reservation = { object, ...(previous && { previous }), isSettled: false, isSeen: false }
    const own = this.#reservationsIn(kind, namespace)
    own.add(reservation)
    return committed => {
      reservation.isSettled = true
      if (!committed || reservation.isSeen) own.delete(reservation)
    }
  }

  #usage(
    quota: ResourceQuota,
    cache: ObjectCache<KubernetesObject>,
    counted: Counted,
    namespace: string,
  ): Map<string, bigint> {
    const total = new Map<string, bigint>()
    for (const object of cache.list(namespace)) {
      if (isInScope(quota, object, counted)) add(total, usageOf(object, counted))
    }
    for (const { object, previous, isSeen } of this.#reservationsIn(counted, namespace)) {
      if (isSeen || !isInScope(quota, object, counted)) continue
      add(total, difference(usageOf(object, counted), previous && usageOf(previous, counted)))
    }
    return total
  }

  #cacheOf(kind: Kind): ObjectCache<KubernetesObject> {
    const cache = this.#caches.of(kind)
    const key = `${kind.group}/${kind.plural}`
    if (!this.#reservations.has(key)) {
      this.#reservations.set(key, new Map())
      cache.subscribe(({ object }) => object?.metadata.namespace && this.#see(kind, object.metadata.namespace, object))
    }
    return cache
  }

  /** The cache now counts the object itself. */
  #see(kind: Kind, namespace: string, { metadata }: KubernetesObject): void {
    const own = this.#reservations.get(`${kind.group}/${kind.plural}`)?.get(namespace)
    for (const reservation of own ?? []) {
      if (reservation.object.metadata.uid !== metadata.uid) continue
      reservation.isSeen = true
      if (reservation.isSettled) own!.delete(reservation)
    }
  }

  #reservationsIn({ group, plural }: Counted, namespace: string): Set<Reservation> {
    const byNamespace = this.#reservations.get(`${group}/${plural}`) ?? new Map<string, Set<Reservation>>()
    this.#reservations.set(`${group}/${plural}`, byNamespace)
    const own = byNamespace.get(namespace) ?? new Set<Reservation>()
    byNamespace.set(namespace, own)
    return own
  }
}

export const kindOf = ({ group, version, kind, plural, namespaced }: ResourceInfo): Kind => ({
  group,
  version,
  apiVersion: group ? `${group}/${version}` : version,
  kind,
  plural,
  namespaced,
})

function isConcerned(quota: ResourceQuota, object: KubernetesObject, { group, plural }: ResourceInfo): boolean {
  const isCounted = Object.keys(quota.spec?.hard ?? {}).some(name => {
    const counted = countedBy(name)
    return counted?.group === group && counted.plural === plural
  })
  return isCounted && isInScope(quota, object, { group, plural })
}
