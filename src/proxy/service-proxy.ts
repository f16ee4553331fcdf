import type { Registry } from 'prom-client'
import { Service } from '../api/core-v1/types.ts'
import { EndpointSlice } from '../api/discovery-v1/types.ts'
import type { Informer, InformerFactory } from '../client/informer.ts'
import type { Clock } from '../machinery/clock.ts'
import type { Commands } from '../machinery/commands.ts'
import type { Component } from '../machinery/component.ts'
import type { Logger } from '../machinery/logger.ts'
import { keyFromText, keyOf, keyText } from '../machinery/object.ts'
import { serviceKeyOf, slicesByService } from '../machinery/service-endpoints.ts'
import { HealthChecks, type HealthDoor } from './health-checks.ts'
import { RuleSet } from './nftables/rule-set.ts'
import { RuleWriter } from './nftables/rule-writer.ts'
import { TABLE } from './nftables/table.ts'
import { guardTable } from './nftables/table-guard.ts'
import { serviceRules } from './plan/service-rules.ts'
import { type ProxyMetrics, proxyMetrics } from './proxy-metrics.ts'
import { FlowCutter, type StaleFlow, staleFlowsBetween } from './stale-flows.ts'

/** After a refused transaction, and between two rebuilds: two programs that disagree must not keep a machine busy. */
const REBUILD_INTERVAL_MS = 500

export interface ServiceProxyDependencies {
  readonly informers: InformerFactory
  readonly commands: Commands
  readonly health: HealthDoor
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics?: Registry
}

export interface ServiceProxyConfiguration {
  readonly nodeName: string
  /** Of the whole cluster, for example `10.244.0.0/16`. */
  readonly clusterPodRange: string
  /** For example `10.96.0.0/12`. */
  readonly serviceRange: string
}

/** Leads connections to Services on one machine, by rules in its kernel. */
export interface ServiceProxy extends Component {
  /** Resolves when the kernel holds everything that the informers held when it was called. */
  whenProgrammed(): Promise<void>
}

/**
 * The rules outlive the component: ending it leaves them in place, so that a restart interrupts nobody.
 * `takeDownServiceProxy` removes them.
 */
export function serviceProxy(
  dependencies: ServiceProxyDependencies,
  configuration: ServiceProxyConfiguration,
): ServiceProxy {
  return new NftablesProxy(dependencies, configuration)
}

/** Removes our table, and nothing else. */
export async function takeDownServiceProxy({ commands }: Pick<ServiceProxyDependencies, 'commands'>): Promise<void> {
  await commands.run('nft', ['-f', '-'], { input: `table ${TABLE}\ndelete table ${TABLE}\n` })
}

class NftablesProxy implements ServiceProxy {
  readonly name = 'service-proxy'
  readonly #dependencies: ServiceProxyDependencies
  readonly #configuration: ServiceProxyConfiguration
  readonly #services: Informer<Service>
  readonly #slices: Informer<EndpointSlice>
  readonly #rules: RuleSet
  readonly #writer: RuleWriter
  readonly #cutter: FlowCutter
  readonly #health: HealthChecks
  readonly #metrics: ProxyMetrics
  /** Services to look at again, and since when the first of them waits. */
  #changed = new Set<string>()
  #changedSinceMs = 0
  #mustRebuild = true
  #wake = Promise.withResolvers<void>()
  #waiting: (() => void)[] = []
  #stale: StaleFlow[] = []
  readonly #ids = new Map<string, number>()

  constructor(dependencies: ServiceProxyDependencies, configuration: ServiceProxyConfiguration) {
    this.#dependencies = dependencies
    this.#configuration = configuration
    this.#rules = new RuleSet(configuration)
    this.#writer = new RuleWriter(dependencies.commands, dependencies.logger)
    this.#cutter = new FlowCutter(dependencies.commands, dependencies.logger)
    this.#health = new HealthChecks(dependencies.health, dependencies.logger)
    this.#metrics = proxyMetrics(dependencies.metrics)
    this.#services = dependencies.informers.informer(Service)
    this.#slices = dependencies.informers.informer(EndpointSlice)
    this.#slices.addIndex(slicesByService.name, slicesByService.valuesOf)
  }

  whenProgrammed(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      this.#wake.resolve()
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    await using _health = this.#health
    const { commands, clock, logger } = this.#dependencies
    await using _writer = this.#writer
    await using _cutter = this.#cutter
    using _services = this.#services.subscribe(({ object }) => this.#note(keyText(keyOf(object))))
    using _slices = this.#slices.subscribe(event => {
      this.#note(serviceKeyOf(event.object))
      if (event.type === 'updated') this.#note(serviceKeyOf(event.previous))
    })
    signal.addEventListener('abort', () => this.#wake.resolve(), { once: true })
    // Half a cluster in the kernel would refuse connections to the other half.
    await Promise.all([this.#services.whenSynced(signal), this.#slices.whenSynced(signal)]).catch(() => {})
    if (signal.aborted) return
    await this.#applyOnce(signal)
    const onDamage = (): void => this.#damaged()
    await Promise.all([
      guardTable({ commands, clock, logger, stamp: () => this.#rules.stamp, onDamage }, signal),
      this.#applyAll(signal),
    ])
  }

  #note(key: string | undefined): void {
    if (key === undefined) return
    if (this.#changed.size === 0) this.#changedSinceMs = this.#dependencies.clock.monotonicMs()
    this.#changed.add(key)
    this.#wake.resolve()
  }

  #damaged(): void {
    this.#dependencies.logger.warn(
      { table: TABLE },
      'the rules of Services were changed by somebody else; writing them anew',
    )
    this.#mustRebuild = true
    this.#wake.resolve()
  }

  async #applyAll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#wake.promise
      this.#wake = Promise.withResolvers()
      if (!signal.aborted) await this.#applyOnce(signal)
    }
  }

  /** One transaction with all that changed until now; what changes meanwhile goes into the next. */
  async #applyOnce(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#dependencies
    const [keys, sinceMs, waiting] = [this.#changed, this.#changedSinceMs, this.#waiting]
    this.#changed = new Set()
    this.#waiting = []
    for (const key of keys) this.#plan(key)
    const isRebuild = this.#mustRebuild
    this.#mustRebuild = false
    const transaction = isRebuild ? this.#rules.whole() : this.#rules.changes()
    try {
      if (transaction) await this.#writer.write(transaction)
    } catch (error) {
      logger.error({ err: error }, 'the kernel refused the rules of Services; writing all of them anew')
      this.#metrics.countFailure()
      this.#mustRebuild = true
      this.#waiting.push(...waiting)
      await clock.sleep(REBUILD_INTERVAL_MS, signal).catch(() => {})
      this.#wake.resolve()
      return
    }
    for (const resolve of waiting) resolve()
    if (keys.size > 0) this.#metrics.observeSync(clock.monotonicMs() - sinceMs)
    if (isRebuild) this.#metrics.countRebuild()
    this.#cutter.cut(this.#stale)
    this.#stale = []
    if (isRebuild && this.#mustRebuild) await clock.sleep(REBUILD_INTERVAL_MS, signal).catch(() => {})
  }

  #plan(key: string): void {
    const service = this.#services.get(keyFromText(key))
    const slices = this.#slices.byIndex(slicesByService.name, key)
    const old = this.#rules.service(key)
    const context = { ...this.#configuration, idOf: (portKey: string) => this.#idOf(portKey) }
    const rules = service && serviceRules(service, slices, context, old)
    this.#rules.put(key, rules)
    this.#stale.push(...staleFlowsBetween(old, rules))
    this.#health.follow(key, service, rules?.localEndpoints ?? 0)
  }

  #idOf(portKey: string): number {
    const id = this.#ids.get(portKey) ?? this.#ids.size + 1
    this.#ids.set(portKey, id)
    return id
  }
}
