import type { ApiCall, CallOptions } from '../../machinery/api-call.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { Random } from '../../machinery/random.ts'
import { integerBelow } from '../../machinery/random.ts'
import { type CachedObject, encodedOf } from '../cache/cached-object.ts'
import { type CacheEvent, type EventFilter, Watcher } from '../cache/watcher.ts'
import type { EncodedWatch, EncodedWatchEvent } from '../resource.ts'
import { apiVersionOf, type ServedKind } from '../served-kind.ts'
import { freshRevision } from './freshness.ts'
import { type ReadEnvironment, rangeOf } from './list-objects.ts'
import { checkWatchOptions, parseResourceVersion } from './list-options.ts'
import { isSelected, type Selection, selectionOf } from './selection.ts'
import { eventViewOf, viewOf } from './version-view.ts'

export interface WatchEnvironment extends ReadEnvironment {
  readonly clock: Clock
  readonly random: Random
}

/** Watches without a timeout of their own end after this long or up to twice that, as upstream's do. */
const TIMEOUT_SECONDS_MIN = 1800
const BOOKMARK_EVERY_MS = 60_000

/** WATCH: what stands there if asked for, then every change, until the timeout or the signal ends it. */
export function watchObjects(
  kind: ServedKind,
  { call, signal }: { readonly call: ApiCall; readonly signal: AbortSignal },
  environment: WatchEnvironment,
): EncodedWatch {
  return {
    [Symbol.asyncIterator]() {
      let opening: Promise<Watcher> | undefined
      let watcher: Watcher | undefined
      const open = async (): Promise<Watcher> => {
        watcher = await openWatch(kind, { call, signal }, environment)
        return watcher
      }
      const next = async (): Promise<IteratorResult<EncodedWatchEvent, undefined>> => {
        opening ??= open()
        return (await opening).next()
      }
      return {
        next: () => watcher?.next() ?? next(),
        take: () => watcher?.take(),
        return: async () => (opening ? (await opening).return() : { done: true, value: undefined }),
      }
    },
  }
}

async function openWatch(
  kind: ServedKind,
  { call, signal }: { readonly call: ApiCall; readonly signal: AbortSignal },
  environment: WatchEnvironment,
): Promise<Watcher> {
  const options = call.options ?? {}
  checkWatchOptions(options)
  const selection = selectionOf(kind, options)
  const asked = parseResourceVersion(options.resourceVersion)
  const { mirror } = environment
  if (asked === undefined) await mirror.reached(await freshRevision(environment))
  else if (asked > 0) await mirror.reached(asked)
  mirror.checkFollowing()
  const sendsState = options.sendInitialEvents ?? !asked
  const filter = sharedFilterOf(kind, call, selection)
  const initial = sendsState
    ? stateEvents(kind, { call, selection, bookmark: options.sendInitialEvents ? mirror.revision : undefined })
    : replayed(kind.cache.changesAfter(asked || mirror.revision), filter)
  const planned = new DisposableStack()
  const watcher = new Watcher({
    filter,
    initial,
    onEnd: () => {
      kind.cache.removeWatcher(watcher)
      planned.dispose()
    },
  })
  kind.cache.addWatcher(watcher, selection.interest)
  planEnd(watcher, { options, signal, planned }, environment)
  if (options.allowWatchBookmarks) planBookmarks(kind, { watcher, planned }, environment)
  return watcher
}

function planEnd(
  watcher: Watcher,
  { options, signal, planned }: { options: CallOptions; signal: AbortSignal; planned: DisposableStack },
  { clock, random }: WatchEnvironment,
): void {
  const seconds = options.timeoutSeconds || TIMEOUT_SECONDS_MIN + integerBelow(random, TIMEOUT_SECONDS_MIN)
  planned.use(clock.schedule(seconds * 1000, () => watcher.end()))
  const end = (): void => watcher.end()
  signal.addEventListener('abort', end, { once: true })
  planned.defer(() => signal.removeEventListener('abort', end))
  if (signal.aborted) end()
}

/** Tells a watcher how far the server is, so that it can resume there although nothing that it selects has changed. */
function planBookmarks(
  kind: ServedKind,
  { watcher, planned }: { watcher: Watcher; planned: DisposableStack },
  { clock, mirror }: WatchEnvironment,
): void {
  const next = (): Disposable =>
    clock.schedule(BOOKMARK_EVERY_MS, () => {
      watcher.send(bookmark(kind, mirror.revision))
      current = next()
    })
  let current = next()
  planned.defer(() => current[Symbol.dispose]())
}

function bookmark(
  { info }: ServedKind,
  revision: number,
  annotations?: { readonly [key: string]: string },
): EncodedWatchEvent {
  const metadata = { resourceVersion: String(revision), creationTimestamp: null, ...(annotations && { annotations }) }
  return { type: 'BOOKMARK', encoded: encodedOf({ kind: info.kind, apiVersion: apiVersionOf(info), metadata }) }
}

/** What stands there now, as ADDED events; with `sendInitialEvents` a bookmark says where that ends (KEP-3157). */
function stateEvents(
  kind: ServedKind,
  state: { readonly call: ApiCall; readonly selection: Selection; readonly bookmark: number | undefined },
): readonly EncodedWatchEvent[] {
  const events: EncodedWatchEvent[] = []
  for (const object of kind.cache.objects(rangeOf(kind, state.call))) {
    if (isSelected(kind, object, state.selection)) events.push({ type: 'ADDED', encoded: viewOf(kind, object) })
  }
  if (state.bookmark !== undefined) {
    events.push(bookmark(kind, state.bookmark, { 'k8s.io/initial-events-end': 'true' }))
  }
  return events
}

const replayed = (changes: readonly CacheEvent[], filter: EventFilter): readonly EncodedWatchEvent[] =>
  changes.map(filter).filter(event => event !== undefined)

const shared: EventFilter = change => change.event

/** Filters of each kind by what they let through: watchers that ask for the same share one, and its last answer. */
const sharedFilters = new WeakMap<ServedKind, Map<string, EventFilter>>()
/** Clients invent selectors; beyond so many different ones sharing starts again. */
const SHARED_FILTERS_MAX = 1000

function sharedFilterOf(kind: ServedKind, call: ApiCall, selection: Selection): EventFilter {
  const filters = sharedFilters.get(kind) ?? new Map<string, EventFilter>()
  sharedFilters.set(kind, filters)
  const { labelSelector = '', fieldSelector = '' } = call.options ?? {}
  const key = JSON.stringify([rangeOf(kind, call).start, labelSelector, fieldSelector])
  const known = filters.get(key)
  if (known) return known
  if (filters.size >= SHARED_FILTERS_MAX) filters.clear()
  const filter = rememberingLast(filterOf(kind, call, selection))
  filters.set(key, filter)
  return filter
}

/** A change comes to all watchers one after the other, so the last answer serves nearly all of them. */
function rememberingLast(filter: EventFilter): EventFilter {
  if (filter === shared) return filter
  let last: CacheEvent | undefined
  let answer: EncodedWatchEvent | undefined
  return change => {
    if (last === change) return answer
    answer = filter(change)
    last = change
    return answer
  }
}

function filterOf(kind: ServedKind, call: ApiCall, { matches }: Selection): EventFilter {
  const range = rangeOf(kind, call)
  const isWhole = range.start === kind.prefix
  const filter = matches ? selecting(kind, matches) : kind.conversion ? converting(kind) : shared
  if (isWhole) return filter
  return change => {
    const { key } = change.event.encoded as CachedObject
    return key >= range.start && key < range.end ? filter(change) : undefined
  }
}

const converting =
  (kind: ServedKind): EventFilter =>
  ({ event }) =>
    eventViewOf(kind, event)

/** An object that comes to match is ADDED for this watcher, one that no longer does is DELETED. */
const selecting =
  (kind: ServedKind, matches: NonNullable<Selection['matches']>): EventFilter =>
  ({ event, previous, revision }) => {
    const was = previous !== undefined && matches(viewOf(kind, previous).object)
    if (event.type === 'DELETED') return was ? eventViewOf(kind, event) : undefined
    const is = matches(viewOf(kind, event.encoded).object)
    if (is && was) return eventViewOf(kind, event)
    if (is) return { type: 'ADDED', encoded: viewOf(kind, event.encoded) }
    if (!was) return undefined
    // The object as the watcher last saw it, at the revision at which it left.
    return { type: 'DELETED', encoded: viewOf(kind, previous.at(revision as CachedObject['revision'])) }
  }
