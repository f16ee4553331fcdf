import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
} from '../../api/apiextensions-v1/types.ts'
import type { ApiCall } from '../../machinery/api-call.ts'
import type { Timer } from '../../machinery/clock.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { isStatusError } from '../../machinery/status.ts'
import { timeText } from '../../machinery/time.ts'
import { Watcher } from '../cache/watcher.ts'
import { CLEANUP_FINALIZER } from '../kinds/custom-resource-definition.ts'
import type { CallContext } from '../resource.ts'
import type { BuiltInSchemas } from '../schema/built-in-schemas.ts'
import type { ServedKind } from '../served-kind.ts'
import { statusOnly } from '../subresources/status.ts'
import { deleteObject } from '../write/delete-object.ts'
import { changeObject } from '../write/update-object.ts'
import type { WriteEnvironment } from '../write/write-environment.ts'
import { customKind, customPrefixOf } from './custom-kind.ts'

const RETRY_MS = 1000

/** Who writes the status of definitions and removes the objects of deleted ones. */
const SYSTEM: CallContext = { user: { name: 'system:apiserver', groups: ['system:masters'] }, warn: () => {} }

interface Parts {
  readonly definitions: ServedKind
  readonly environment: WriteEnvironment
  readonly builtIn: BuiltInSchemas
  /** The names of everything else that is served in a group. */
  namesIn(group: string, except: string): ReadonlySet<string>
  serve(definitionName: string, kinds: readonly ServedKind[]): void
}

/** Serves what CustomResourceDefinitions define, and stops when they go. */
export class CustomResources {
  readonly #parts: Parts
  readonly #stop = new AbortController()
  readonly #retries = new Map<string, Timer>()
  /** What is served of a definition, as its generation; 0 when its names are taken. */
  readonly #served = new Map<string, number>()
  #watcher: Watcher | undefined
  #running: Promise<void> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Resolves once every definition that is stored now is served. */
  async start(): Promise<void> {
    const { cache } = this.#parts.definitions
    this.#watch()
    for (const { object } of cache.objects()) this.#serve(object as unknown as CustomResourceDefinition)
    for (const { object } of cache.objects()) await this.#reconcile(nameOf(object))
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    for (const timer of this.#retries.values()) timer.cancel()
    this.#watcher?.end()
    await this.#running
  }

  #watch(): void {
    const { cache } = this.#parts.definitions
    const watcher = new Watcher({ filter: ({ event }) => event, onEnd: () => cache.removeWatcher(watcher) })
    this.#watcher = watcher
    cache.addWatcher(watcher)
    this.#running = this.#follow(watcher)
  }

  async #follow(watcher: Watcher): Promise<void> {
    for (;;) {
      const next = await watcher.next().catch(() => undefined)
      if (!next) return // The registry closes, or the store has.
      const { done, value } = next
      if (done) break
      const name = nameOf(value.encoded.object)
      if (value.type === 'DELETED') await this.#forget(name)
      else await this.#reconcile(name)
    }
    // The cache was loaded anew: look at everything again.
    if (!this.#stop.signal.aborted) await this.start()
  }

  /** Stops serving; the names are free now for definitions that wanted them too. */
  async #forget(name: string): Promise<void> {
    this.#served.delete(name)
    this.#parts.serve(name, [])
    for (const { object } of this.#parts.definitions.cache.objects()) {
      if (!this.#served.get(nameOf(object))) await this.#reconcile(nameOf(object))
    }
  }

  async #reconcile(name: string): Promise<void> {
    try {
      await this.#bring(name)
    } catch (error) {
      if (isStatusError(error, 'NotFound') || this.#stop.signal.aborted) return
      this.#parts.environment.logger.warn(
        { error, definition: name },
        'custom resource definition not settled, trying again',
      )
      this.#retry(name)
    }
  }

  #retry(name: string): void {
    this.#retries.get(name)?.cancel()
    const again = (): void => {
      this.#retries.delete(name)
      void this.#reconcile(name)
    }
    if (!this.#stop.signal.aborted) this.#retries.set(name, this.#parts.environment.clock.schedule(RETRY_MS, again))
  }

  async #bring(name: string): Promise<void> {
    const { definitions, environment } = this.#parts
    const found = definitions.cache.find(`${definitions.prefix}${name}`)
    if (!found) return
    const definition = found.object as unknown as CustomResourceDefinition
    if (definition.metadata.deletionTimestamp) return this.#remove(definition)
    const conflict = this.#nameConflict(definition)
    const status = settledStatus(definition, { conflict, now: environment.clock.now() })
    // Served before it is called established, so that nobody who waits for that comes too early.
    this.#serve(definition)
    if (status) await this.#writeStatus(definition, status)
  }

  #serve(definition: CustomResourceDefinition): void {
    const { environment, builtIn, serve } = this.#parts
    const { spec, metadata } = definition
    const generation = this.#nameConflict(definition) ? 0 : (metadata.generation ?? 1)
    if (this.#served.get(metadata.name) === generation) return
    this.#served.set(metadata.name, generation)
    const cache = environment.mirror.cache(customPrefixOf(definition))
    const versions = generation === 0 ? [] : spec.versions.filter(({ served }) => served)
    serve(
      metadata.name,
      versions.map(version => customKind(definition, version, { cache, builtIn })),
    )
  }

  #nameConflict({ metadata, spec }: CustomResourceDefinition): string | undefined {
    const taken = this.#parts.namesIn(spec.group, metadata.name)
    const { plural, singular, kind, shortNames = [] } = spec.names
    return [plural, singular, kind, ...shortNames].find(name => name !== undefined && taken.has(name))
  }

  async #writeStatus(definition: CustomResourceDefinition, status: CustomResourceDefinition['status']): Promise<void> {
    const scope = this.#scope(definition.metadata.name, { subresource: 'status' })
    await changeObject(scope, {
      part: statusOnly,
      propose: current => ({
        ...current,
        status: { ...(current.status as JsonObject), ...(status as unknown as JsonObject) },
      }),
    })
  }

  #scope(name: string, extra: Partial<ApiCall> = {}) {
    const { definitions, environment } = this.#parts
    const call: ApiCall = {
      verb: 'patch',
      group: definitions.info.group,
      version: definitions.info.version,
      resource: definitions.info.plural,
      name,
      options: { fieldManager: 'kube-apiserver' },
      ...extra,
    }
    return { kind: definitions, call, context: SYSTEM, environment }
  }

  /** A definition goes after the last object of its kind. */
  async #remove(definition: CustomResourceDefinition): Promise<void> {
    const { metadata, spec } = definition
    if (!metadata.finalizers?.includes(CLEANUP_FINALIZER)) return
    const { environment, builtIn } = this.#parts
    const cache = environment.mirror.cache(customPrefixOf(definition))
    const version = spec.versions.find(({ storage }) => storage) ?? spec.versions[0]!
    const kind = customKind(definition, version, { cache, builtIn })
    for (const { object } of cache.objects()) {
      const { name, namespace, deletionTimestamp } = object.metadata as {
        name: string
        namespace?: string
        deletionTimestamp?: string
      }
      if (deletionTimestamp) continue
      const call: ApiCall = {
        verb: 'delete',
        group: spec.group,
        version: version.name,
        resource: spec.names.plural,
        name,
        ...(namespace && { namespace }),
      }
      await deleteObject({ kind, call, context: SYSTEM, environment }, {}).catch(ignoreNotFound)
    }
    if (cache.size > 0) return this.#retry(metadata.name)
    await changeObject(this.#scope(metadata.name), {
      propose(current) {
        const { finalizers = [], ...rest } = current.metadata as { finalizers?: readonly string[] }
        const kept = finalizers.filter(finalizer => finalizer !== CLEANUP_FINALIZER)
        return { ...current, metadata: { ...rest, ...(kept.length > 0 && { finalizers: kept }) } as JsonObject }
      },
    })
  }
}

function ignoreNotFound(error: unknown): void {
  if (!isStatusError(error, 'NotFound')) throw error
}

const nameOf = ({ metadata }: JsonObject): string => (metadata as { readonly name: string }).name

/** The status that the definition should have; undefined when it has it. */
function settledStatus(
  { spec, status }: CustomResourceDefinition,
  { conflict, now }: { readonly conflict: string | undefined; readonly now: Date },
): CustomResourceDefinition['status'] | undefined {
  const accepted = conflict
    ? condition('NamesAccepted', 'False', 'NameConflict', `"${conflict}" is already in use`)
    : condition('NamesAccepted', 'True', 'NoConflicts', 'no conflicts found')
  const established = conflict
    ? condition('Established', 'False', 'NotAccepted', 'not all names are accepted')
    : condition('Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted')
  const wanted = [accepted, established]
  const had = status?.conditions ?? []
  const isSettled = wanted.every(({ type, status: value, reason }) =>
    had.some(existing => existing.type === type && existing.status === value && existing.reason === reason),
  )
  const names: CustomResourceDefinitionNames = conflict ? { plural: '', kind: '' } : spec.names
  if (isSettled && status?.acceptedNames?.plural === names.plural) return undefined
  const stamped = wanted.map(item => {
    const before = had.find(existing => existing.type === item.type && existing.status === item.status)
    return { ...item, lastTransitionTime: before?.lastTransitionTime ?? timeText(now) }
  })
  const others = had.filter(({ type }) => !wanted.some(item => item.type === type))
  return { ...status, acceptedNames: names, conditions: [...others, ...stamped] }
}

const condition = (
  type: string,
  status: string,
  reason: string,
  message: string,
): CustomResourceDefinitionCondition => ({
  type,
  status,
  reason,
  message,
})
