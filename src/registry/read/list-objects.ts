import type { ApiCall, CallOptions } from '../../machinery/api-call.ts'
import { expired, StatusError } from '../../machinery/status.ts'
import { type KeyRange, keysUnder, type Revision, type Store, StoreError } from '../../store/store.ts'
import { CachedObject } from '../cache/cached-object.ts'
import type { StoreMirror } from '../cache/store-mirror.ts'
import type { Encoded, EncodedList } from '../resource.ts'
import type { ServedKind } from '../served-kind.ts'
import { type ContinueToken, continueText, parseContinue } from './continue-token.ts'
import { freshRevision, throwUnavailable } from './freshness.ts'
import { checkListOptions, parseResourceVersion } from './list-options.ts'
import { isSelected, type Selection, selectionOf } from './selection.ts'
import { viewOf } from './version-view.ts'

export interface ReadEnvironment {
  readonly store: Store
  readonly mirror: StoreMirror
}

/** Keys read from the store at a time where the wanted revision is no longer in memory. */
const OLD_PAGE_ENTRIES = 1000

/** LIST in all combinations of `limit`, `continue`, `resourceVersion` and `resourceVersionMatch` (KEP-1904, KEP-2523). */
export async function listObjects(kind: ServedKind, call: ApiCall, environment: ReadEnvironment): Promise<EncodedList> {
  const options = call.options ?? {}
  checkListOptions(options)
  const wanted: Wanted = {
    kind,
    selection: selectionOf(kind, options),
    range: rangeOf(kind, call),
    limit: limitOf(options),
  }
  if (options.continue) return continuedList(wanted, parseContinue(options.continue, wanted.range), environment)
  const asked = parseResourceVersion(options.resourceVersion)
  if (asked !== undefined && isExact(options, asked)) {
    return listAt(wanted, { revision: asked, start: wanted.range.start, whenForgotten: tooOld }, environment)
  }
  const { mirror } = environment
  if (asked === undefined) await mirror.reached(await freshRevision(environment))
  else if (asked > 0) await mirror.reached(asked)
  // A list "from any revision" comes from the cache as a whole, as upstream's does.
  return listNow(asked === 0 ? { ...wanted, limit: Number.POSITIVE_INFINITY } : wanted, mirror.revision)
}

/** A page at a revision is of exactly that revision, as it was before anybody could say how to match. */
const isExact = ({ resourceVersionMatch: match, limit }: CallOptions, asked: Revision): boolean =>
  match === 'Exact' || (match === undefined && Boolean(limit) && asked > 0)

interface Wanted {
  readonly kind: ServedKind
  readonly selection: Selection
  readonly range: KeyRange
  readonly limit: number
}

const limitOf = ({ limit }: CallOptions): number => (limit ? limit : Number.POSITIVE_INFINITY)

/** The keys that a call is about: all, those of a namespace, or one. */
export function rangeOf({ prefix, info }: ServedKind, { namespace }: ApiCall): KeyRange {
  return info.namespaced && namespace ? keysUnder(`${prefix}${namespace}/`) : keysUnder(prefix)
}

/** A page of what is in memory now, from `wanted.range.start` on. */
function listNow(wanted: Wanted, at: Revision): EncodedList {
  const { kind, selection, range, limit } = wanted
  const items: Encoded[] = []
  const objects = kind.cache.objects(range)
  for (let index = 0; index < objects.length; index++) {
    const object = objects[index]!
    if (!isSelected(kind, object, selection)) continue
    if (items.length < limit) {
      items.push(viewOf(kind, object))
      continue
    }
    const token = continueText({ revision: at, start: object.key }, kind.prefix)
    const remaining = selection.matches ? {} : { remainingItemCount: objects.length - index }
    return { resourceVersion: String(at), continue: token, ...remaining, items }
  }
  return { resourceVersion: String(at), items }
}

async function continuedList(wanted: Wanted, token: ContinueToken, environment: ReadEnvironment): Promise<EncodedList> {
  const range = { start: token.start, end: wanted.range.end }
  if (token.revision === undefined) {
    await environment.mirror.reached(await freshRevision(environment))
    return listNow({ ...wanted, range }, environment.mirror.revision)
  }
  const whenForgotten = (): StatusError => continueExpired(token, wanted.kind.prefix)
  return listAt({ ...wanted, range }, { revision: token.revision, start: token.start, whenForgotten }, environment)
}

interface Past {
  readonly revision: Revision
  readonly start: string
  readonly whenForgotten: () => StatusError
}

/** A page as of an earlier revision: from memory if nothing changed since, else from the store's history. */
async function listAt(wanted: Wanted, past: Past, { store, mirror }: ReadEnvironment): Promise<EncodedList> {
  if (past.revision > mirror.revision) await mirror.reached(past.revision)
  if (wanted.kind.cache.changed <= past.revision) return listNow(wanted, past.revision)
  try {
    return await listFromStore(wanted, past, store)
  } catch (error) {
    if (error instanceof StoreError && error.code === 'compacted') throw past.whenForgotten()
    return throwUnavailable(error)
  }
}

async function listFromStore(
  { kind, selection, range, limit }: Wanted,
  past: Past,
  store: Store,
): Promise<EncodedList> {
  const items: Encoded[] = []
  let start: string | undefined = past.start
  while (start !== undefined) {
    const page = await store.list({ start, end: range.end }, { at: past.revision, limit: OLD_PAGE_ENTRIES })
    for (const { key, value, modRevision } of page.entries) {
      const object = new CachedObject({ key, revision: modRevision }, value)
      if (!isSelected(kind, object, selection)) continue
      if (items.length < limit) {
        items.push(viewOf(kind, object))
        continue
      }
      const token = continueText({ revision: past.revision, start: key }, kind.prefix)
      return { resourceVersion: String(past.revision), continue: token, items }
    }
    start = page.next
  }
  return { resourceVersion: String(past.revision), items }
}

const tooOld = (): StatusError => expired('The resourceVersion for the provided list is too old.')

const CONTINUE_EXPIRED =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
  'deleted between the time the first chunk was returned and now may show up in the list.'

/** 410 with a token that goes on from the same place at whatever the revision is then. */
function continueExpired({ start }: ContinueToken, prefix: string): StatusError {
  const { status } = expired(CONTINUE_EXPIRED)
  return new StatusError({ ...status, metadata: { continue: continueText({ start }, prefix) } })
}

/** GET: the object at any revision (`0`), not older than a revision, or the newest. Undefined when it is not there. */
export async function findObject(
  kind: ServedKind,
  { key, options }: { readonly key: string; readonly options?: CallOptions | undefined },
  environment: ReadEnvironment,
): Promise<CachedObject | undefined> {
  const asked = parseResourceVersion(options?.resourceVersion)
  const { mirror } = environment
  if (asked === undefined) {
    const fresh = freshRevision(environment)
    await mirror.reached(typeof fresh === 'number' ? fresh : await fresh)
  } else if (asked > 0) await mirror.reached(asked)
  return kind.cache.find(key)
}
