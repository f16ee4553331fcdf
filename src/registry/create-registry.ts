import { addressRangeOf } from '../machinery/address-range.ts'
import type { Clock } from '../machinery/clock.ts'
import { type FeatureGates, isFeatureEnabled } from '../machinery/feature-gates.ts'
import type { Logger } from '../machinery/logger.ts'
import type { Random } from '../machinery/random.ts'
import type { Store } from '../store/store.ts'
import { StoreMirror } from './cache/store-mirror.ts'
import { CustomResources } from './custom/custom-resources.ts'
import { GenericResource } from './generic-resource.ts'
import type { KindDefinition, KindDifferences } from './kind-definition.ts'
import { eventConversion } from './kinds/event.ts'
import { autoscalerConversion } from './kinds/horizontal-pod-autoscaler.ts'
import { kindDefinitions } from './kinds/kind-definitions.ts'
import { servicesWith } from './kinds/service.ts'
import { Maintenance } from './maintenance.ts'
import type { AdmissionPlugin, Registry, Resource } from './resource.ts'
import { resourceInfoOf } from './resource-info.ts'
import { BuiltInSchemas, builtInResources, type ResourceRow } from './schema/built-in-schemas.ts'
import { decode } from './schema/decode.ts'
import type { ServedKind, VersionConversion } from './served-kind.ts'
import type { PortRange } from './services/service-allocation.ts'
import type { WriteEnvironment } from './write/write-environment.ts'

export interface RegistryOptions {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** In the order in which they run. */
  readonly admission: readonly AdmissionPlugin[]
  /** Gates that differ from their defaults. */
  readonly featureGates?: FeatureGates
  /** Where cluster IPs come from. Default `10.96.0.0/12`. */
  readonly serviceRange?: string
  /** Default `30000-32767`. */
  readonly nodePortRange?: string
}

/** Serves every built-in kind and, as they come and go, custom ones. Reads wait until `whenReady`. */
export function createRegistry(options: RegistryOptions): Registry {
  return new LiveRegistry(options)
}

class LiveRegistry implements Registry {
  readonly isShared: boolean
  readonly #mirror: StoreMirror
  readonly #resources = new Map<string, Resource>()
  readonly #listeners = new Set<() => void>()
  readonly #kinds = new Map<string, ServedKind>()
  readonly #custom: CustomResources
  readonly #customResources = new Map<string, readonly GenericResource[]>()
  readonly #maintenance: Maintenance
  readonly #ready: Promise<void>

  constructor(options: RegistryOptions) {
    this.isShared = options.store.confirmHead !== undefined
    this.#mirror = new StoreMirror(options)
    const environment = this.#environmentOf(options)
    const schemas = new BuiltInSchemas()
    const definitions = definitionsFor(options)
    for (const row of builtInResources()) {
      const kind = this.#servedKindOf(row, { schemas, differences: differencesOf(row, definitions) })
      this.#resources.set(`${row.group}/${row.version}/${row.plural}`, new GenericResource(kind, environment))
      if (!this.#kinds.has(`${row.group}/${row.plural}`)) this.#kinds.set(`${row.group}/${row.plural}`, kind)
    }
    this.#custom = new CustomResources({
      definitions: this.#kinds.get('apiextensions.k8s.io/customresourcedefinitions')!,
      environment,
      builtIn: schemas,
      namesIn: (group, except) => this.#namesIn(group, except),
      serve: (definition, kinds) => this.#serveCustom(definition, kinds, environment),
    })
    this.#mirror.start()
    this.#maintenance = new Maintenance(environment, this.#kinds.get('/services')!)
    this.#ready = this.#mirror.whenReady().then(async () => {
      await this.#custom.start()
      this.#maintenance.start()
    })
  }

  #namesIn(group: string, except: string): ReadonlySet<string> {
    const names = new Set<string>()
    const others = [...this.#customResources].filter(([definition]) => definition !== except).flatMap(([, all]) => all)
    for (const { info } of [...this.#resources.values(), ...others]) {
      if (info.group !== group) continue
      for (const name of [info.plural, info.singular, info.kind, ...info.shortNames]) names.add(name)
    }
    return names
  }

  #serveCustom(definition: string, kinds: readonly ServedKind[], environment: WriteEnvironment): void {
    const before = this.#customResources.get(definition) ?? []
    if (kinds.length === 0 && before.length === 0) return
    if (kinds.length > 0)
      this.#customResources.set(
        definition,
        kinds.map(kind => new GenericResource(kind, environment)),
      )
    else this.#customResources.delete(definition)
    // Watches of what is no longer served, or has another schema now, begin anew.
    for (const { kind } of before) kind.cache.endWatches()
    for (const listener of [...this.#listeners]) listener()
  }

  #environmentOf({ store, clock, random, logger, admission, featureGates = {} }: RegistryOptions): WriteEnvironment {
    return {
      store,
      mirror: this.#mirror,
      clock,
      random,
      logger,
      admission,
      isEnabled: gate => isFeatureEnabled(featureGates, gate),
      findKind: (group, plural) => this.#kinds.get(`${group}/${plural}`),
    }
  }

  #servedKindOf(
    row: ResourceRow,
    { schemas, differences }: { readonly schemas: BuiltInSchemas; readonly differences: KindDifferences },
  ): ServedKind {
    const view = VIEWS[`${row.group}/${row.version}/${row.plural}`]
    const prefix = `/${(view?.storedGroup ?? row.group) || 'core'}/${row.plural}/`
    return {
      info: resourceInfoOf(row),
      get schema() {
        return schemas.find(row.schema)
      },
      differences,
      reader: { read: (body, options) => decode(schemas.find(row.schema), body, options) },
      prefix,
      cache: this.#mirror.cache(prefix),
      isCustom: false,
      ...(view && { conversion: view.conversion }),
    }
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return (
      this.#resources.get(`${group}/${version}/${plural}`) ??
      this.#customResources.get(`${plural}.${group}`)?.find(({ info }) => info.version === version)
    )
  }

  resources(): readonly Resource[] {
    return [...this.#resources.values(), ...[...this.#customResources.values()].flat()]
  }

  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  whenReady(): Promise<void> {
    return this.#ready
  }

  async close(): Promise<void> {
    await this.#custom.stop()
    await this.#maintenance.stop()
    await this.#mirror.stop()
  }
}

/** Versions that are another view of what is stored. */
const VIEWS: {
  readonly [resource: string]: { readonly storedGroup?: string; readonly conversion: VersionConversion }
} = {
  'events.k8s.io/v1/events': { storedGroup: '', conversion: eventConversion },
  'autoscaling/v1/horizontalpodautoscalers': { conversion: autoscalerConversion },
}

const NO_DIFFERENCES: KindDifferences = {}

function definitionsFor({ serviceRange = '10.96.0.0/12', nodePortRange = '30000-32767' }: RegistryOptions) {
  const services = servicesWith({ range: addressRangeOf(serviceRange), portRange: portRangeOf(nodePortRange) })
  return [...kindDefinitions, services]
}

function portRangeOf(text: string): PortRange {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text)
  if (!match) throw new Error(`"${text}" is not a range of ports such as 30000-32767`)
  return { first: Number(match[1]), last: Number(match[2]) }
}

const differencesOf = (
  { group, version, plural }: ResourceRow,
  definitions: readonly KindDefinition[],
): KindDifferences =>
  definitions.find(
    definition =>
      definition.group === group && definition.plural === plural && (definition.version ?? version) === version,
  )?.differences ?? NO_DIFFERENCES
