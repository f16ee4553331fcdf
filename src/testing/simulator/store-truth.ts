import type { KubernetesObject } from '../../api/kind.ts'
import { keysUnder, type Store, type Change as StoreChange } from '../../store/store.ts'

export type Change<T> = {
  readonly type: 'added' | 'modified' | 'deleted'
  readonly object: T
  readonly previous: T | undefined
}

export interface FollowOptions<T extends KubernetesObject> {
  /** Where the registry keeps the kind: `/apps/statefulsets/`. */
  readonly prefix: string
  readonly onChange: (change: Change<T>) => void
  readonly signal: AbortSignal
}

/**
 * What was written, read from the store itself, below every server that may end or lag behind: each change once, in the
 * order of writes. Objects come as they are stored, without resource version.
 */
export async function followStore<T extends KubernetesObject>(
  store: Store,
  { prefix, onChange, signal }: FollowOptions<T>,
): Promise<void> {
  for await (const { changes } of store.watch(keysUnder(prefix), { after: store.head(), signal })) {
    for (const change of changes) onChange(objectChangeOf(change))
  }
}

function objectChangeOf<T>(change: StoreChange): Change<T> {
  const previous = change.previous && (objectIn(change.previous.value) as T)
  if (change.type === 'delete') return { type: 'deleted', object: previous!, previous }
  return { type: previous ? 'modified' : 'added', object: objectIn(change.entry.value) as T, previous }
}

const decoder = new TextDecoder()

const objectIn = (bytes: Uint8Array): unknown => JSON.parse(decoder.decode(bytes))
