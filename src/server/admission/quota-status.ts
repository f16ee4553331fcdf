import { ResourceQuota } from '../../api/core-v1/types.ts'
import type { ApiTransport } from '../../machinery/api-call.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { Logger } from '../../machinery/logger.ts'
import { parseQuantity, quantityText } from '../../machinery/quantity.ts'
import { isStatusError } from '../../machinery/status.ts'
import type { Registry, ResourceInfo } from '../../registry/resource.ts'
import type { ObjectCaches } from '../object-cache.ts'
import { type Counted, countedBy } from './quota-usage.ts'
import { kindOf, type ResourceQuotas } from './resource-quota.ts'

/** Changes that come within this time are told in one update. */
const DELAY_MS = 50

export interface QuotaStatusDependencies {
  readonly caches: ObjectCaches
  readonly quotas: ResourceQuotas
  readonly registry: Registry
  readonly transport: ApiTransport
  readonly clock: Clock
  readonly logger: Logger
}

/** Keeps `status.used` of every quota at what admission counts, so that people and tools see how much is left. */
export class QuotaStatus {
  readonly #dependencies: QuotaStatusDependencies
  readonly #due = new Set<string>()
  readonly #followed = new Set<string>()

  constructor(dependencies: QuotaStatusDependencies) {
    this.#dependencies = dependencies
  }

  start(): void {
    this.#dependencies.caches.of(ResourceQuota).subscribe(({ object, previous }) => {
      if (!object || JSON.stringify(object.spec) === JSON.stringify(previous?.spec)) return
      for (const name of Object.keys(object.spec?.hard ?? {})) this.#follow(countedBy(name)!)
      this.#plan(object.metadata.namespace)
    })
  }

  /** Whenever something that a quota counts comes, changes or goes, the quotas of its namespace are counted anew. */
  #follow(counted: Counted): void {
    const info = this.#infoOf(counted)
    const key = `${counted.group}/${counted.plural}`
    if (!info || this.#followed.has(key)) return
    this.#followed.add(key)
    this.#dependencies.caches.of(kindOf(info)).subscribe(({ object, previous }) => {
      const namespace = (object ?? previous)?.metadata.namespace
      if (namespace) this.#plan(namespace)
    })
  }

  #infoOf({ group, plural }: Counted): ResourceInfo | undefined {
    return this.#dependencies.registry.resources().find(({ info }) => info.group === group && info.plural === plural)
      ?.info
  }

  #plan(namespace: string): void {
    const { caches, clock } = this.#dependencies
    if (this.#due.has(namespace) || [...caches.of(ResourceQuota).list(namespace)].length === 0) return
    this.#due.add(namespace)
    clock.schedule(DELAY_MS, () => {
      this.#due.delete(namespace)
      void this.#update(namespace)
    })
  }

  async #update(namespace: string): Promise<void> {
    const { caches, logger } = this.#dependencies
    for (const quota of caches.of(ResourceQuota).list(namespace)) {
      try {
        await this.#updateOne(quota)
      } catch (error) {
        if (isStatusError(error, 'NotFound')) continue
        if (isStatusError(error, 'Conflict')) {
          this.#plan(namespace)
          continue
        }
        logger.warn({ err: error, namespace, name: quota.metadata.name }, 'quota status not updated')
      }
    }
  }

  async #updateOne(quota: ResourceQuota): Promise<void> {
    const { quotas, transport } = this.#dependencies
    const usage = await quotas.used(quota, counted => this.#infoOf(counted))
    const hard = quota.spec?.hard ?? {}
    const used = Object.fromEntries(
      Object.entries(hard).map(([name, limit]) => [
        name,
        quantityText({ nano: usage.get(name) ?? 0n, format: parseQuantity(limit).format }),
      ]),
    )
    const status = { hard, used }
    if (JSON.stringify(quota.status) === JSON.stringify(status)) return
    const { name, namespace } = quota.metadata
    const { group, version, plural: resource } = ResourceQuota
    const body = { ...(quota as unknown as JsonObject), status } as JsonObject
    await transport.request({ verb: 'update', group, version, resource, subresource: 'status', namespace, name, body })
  }
}
