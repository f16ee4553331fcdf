import { ResourceQuota } from '../../api/core-v1/types.ts'
import type { Kind, KubernetesObject } from '../../api/kind.ts'
import type { Clock } from '../../machinery/clock.ts'
import { isStatusError } from '../../machinery/status.ts'
import type { AdmissionRequest } from '../../registry/resource.ts'
import type { ObjectCaches } from '../object-cache.ts'
import { add, difference, requireRoom } from './quota-room.ts'
import { isInScope, type Usage, usageOf } from './quota-usage.ts'

/** Where a quota says what has been let through and may not be stored yet. Gone as soon as nothing is under way. */
const PENDING = 'quota.holdfast.dev/pending'
/** A server that was killed between its promise and its write leaves a promise behind, for this long. */
const PENDING_MS_MAX = 60_000
/** How long what is done may stand in the quota. Others see that it is stored, so that it counts once in any case. */
const TIDY_MS = 200
const ATTEMPTS_MAX = 100

/** One write that was let through, as every server reads it. */
interface Pending {
  readonly uid: string
  /** `group/plural`. */
  readonly kind: string
  /** What is changed; absent for a new object. */
  readonly revision?: string
  readonly until: string
  /** In units of 10⁻⁹. */
  readonly amounts: { readonly [name: string]: string }
}

export interface QuotaSubject {
  readonly request: AdmissionRequest
  readonly object: KubernetesObject
  readonly previous?: KubernetesObject | undefined
  readonly kind: Kind
  readonly namespace: string
}

/**
 * Keeps several servers on one store within a quota together. Whoever lets something through first writes it into the
 * quota, over the very revision by which it counted. So of two servers that count the same, one conflicts and counts anew,
 * and sees what the other has let through: as an object, or as pending.
 */
export class SharedReservations {
  readonly #caches: ObjectCaches
  readonly #clock: Clock
  /** By quota: the end of what this server is doing with it. Its own requests take turns instead of conflicting. */
  readonly #turns = new Map<string, Promise<unknown>>()
  /** By quota: what of this server's is done and still stands in it. */
  readonly #done = new Map<string, Set<string>>()

  constructor(caches: ObjectCaches, clock: Clock) {
    this.#caches = caches
    this.#clock = clock
  }

  /** Throws Forbidden when there is no room. What it returns must be called once the write has ended. */
  async reserve(quotas: readonly ResourceQuota[], subject: QuotaSubject): Promise<() => void> {
    const held: string[] = []
    const end = (): void => {
      for (const name of held) this.#finish(name, subject)
    }
    try {
      for (const { metadata } of quotas) {
        const hasReserved = await this.#inTurn(`${subject.namespace}/${metadata.name}`, () =>
          this.#reserveIn(metadata.name, subject),
        )
        if (hasReserved) held.push(metadata.name)
      }
    } catch (error) {
      end()
      throw error
    }
    return end
  }

  async #reserveIn(name: string, subject: QuotaSubject): Promise<boolean> {
    const { request, object, previous, kind, namespace } = subject
    for (let attempt = 1; ; attempt++) {
      const quota = await this.#caches.live(ResourceQuota, { namespace, name })
      if (!quota) return false
      const before = previous && isInScope(quota, previous, kind) ? usageOf(previous, kind) : undefined
      const wanted = difference(usageOf(object, kind), before)
      if (!Object.keys(quota.spec?.hard ?? {}).some(hard => (wanted.get(hard) ?? 0n) > 0n)) return false
      const { used, pending } = await this.#count(quota, kind)
      requireRoom(request, { quota, used, wanted })
      if (request.dryRun) return false
      const until = new Date(this.#clock.now().getTime() + PENDING_MS_MAX).toISOString()
      const { uid } = object.metadata
      const own = { uid, kind: nameOf(kind), until, amounts: amountsOf(wanted) }
      const revision = previous && { revision: previous.metadata.resourceVersion }
      try {
        await this.#caches.update(ResourceQuota, withPending(quota, [...pending, { ...own, ...revision }]))
        return true
      } catch (error) {
        if (!isStatusError(error, 'Conflict') || attempt >= ATTEMPTS_MAX) throw error
      }
    }
  }

  /** What is used of the quota by one kind, and what is still under way. Reads the quota first and the objects then. */
  async #count(quota: ResourceQuota, kind: Kind): Promise<{ used: Map<string, bigint>; pending: readonly Pending[] }> {
    const { namespace } = quota.metadata
    const objects = await this.#caches.liveList(kind, namespace)
    const byUid = new Map(objects.map(object => [object.metadata.uid, object]))
    const used = new Map<string, bigint>()
    for (const object of objects) if (isInScope(quota, object, kind)) add(used, usageOf(object, kind))
    const pending = this.#underWay(quota).filter(one => {
      if (one.kind !== nameOf(kind)) return true
      const object = byUid.get(one.uid)
      return one.revision === undefined ? !object : object?.metadata.resourceVersion === one.revision
    })
    for (const { kind: other, amounts } of pending) {
      if (other === nameOf(kind))
        add(used, new Map(Object.entries(amounts).map(([name, text]) => [name, BigInt(text)])))
    }
    return { used, pending }
  }

  #underWay(quota: ResourceQuota): readonly Pending[] {
    const done = this.#done.get(`${quota.metadata.namespace}/${quota.metadata.name}`)
    const now = this.#clock.now().getTime()
    return pendingOf(quota).filter(({ uid, until }) => Date.parse(until) > now && !done?.has(uid))
  }

  #finish(name: string, { object, namespace }: QuotaSubject): void {
    const key = `${namespace}/${name}`
    const done = this.#done.get(key)
    if (done) return void done.add(object.metadata.uid)
    this.#done.set(key, new Set([object.metadata.uid]))
    this.#clock.schedule(TIDY_MS, () => {
      void this.#inTurn(key, () => this.#tidy(namespace, name)).catch(() => {}) // It ends by itself in a minute.
    })
  }

  async #tidy(namespace: string, name: string): Promise<void> {
    const key = `${namespace}/${name}`
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const quota = await this.#caches.live(ResourceQuota, { namespace, name })
      const done = new Set(this.#done.get(key))
      try {
        if (quota && pendingOf(quota).some(({ uid }) => done.has(uid))) {
          await this.#caches.update(ResourceQuota, withPending(quota, this.#underWay(quota)))
        }
        break
      } catch (error) {
        if (!isStatusError(error, 'Conflict')) throw error
      }
    }
    this.#done.delete(key)
  }

  /** Runs after what was asked before it for the same quota has ended. */
  #inTurn<T>(key: string, run: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key) ?? Promise.resolve()
    const own = before.then(run, run)
    const settled = own.then(
      () => {},
      () => {},
    )
    this.#turns.set(key, settled)
    void settled.then(() => {
      if (this.#turns.get(key) === settled) this.#turns.delete(key)
    })
    return own
  }
}

const nameOf = ({ group, plural }: Kind): string => `${group}/${plural}`

const amountsOf = (usage: Usage): Pending['amounts'] =>
  Object.fromEntries([...usage].filter(([, amount]) => amount > 0n).map(([name, amount]) => [name, String(amount)]))

function pendingOf({ metadata }: ResourceQuota): readonly Pending[] {
  const text = metadata.annotations?.[PENDING]
  if (!text) return []
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value.filter(isPending) : []
  } catch {
    return [] // Somebody wrote into it by hand.
  }
}

const isPending = (value: unknown): value is Pending => {
  const { uid, kind, until, amounts } = (value ?? {}) as Partial<Pending>
  const hasWords = typeof uid === 'string' && typeof kind === 'string' && typeof until === 'string'
  return (
    hasWords && typeof amounts === 'object' && Object.values(amounts ?? {}).every(text => /^\d+$/.test(String(text)))
  )
}

function withPending(quota: ResourceQuota, pending: readonly Pending[]): ResourceQuota {
  const { [PENDING]: _, ...others } = quota.metadata.annotations ?? {}
  const annotations = pending.length > 0 ? { ...others, [PENDING]: JSON.stringify(pending) } : others
  return { ...quota, metadata: { ...quota.metadata, annotations } }
}
