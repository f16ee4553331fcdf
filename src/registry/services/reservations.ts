import { InvariantError } from '../../machinery/invariant.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { uuidFrom } from '../../machinery/random.ts'
import { timeText } from '../../machinery/time.ts'
import { StoreError } from '../../store/store.ts'
import type { ServedKind } from '../served-kind.ts'
import { commitDeletion, commitObject, newest, storedBytes } from '../write/commit.ts'
import type { WriteScope } from '../write/write-environment.ts'

/** Who holds a reservation. */
export interface Holder {
  readonly namespace: string
  readonly name: string
}

/**
 * Things of which each may be had once. A reservation is a key in the store, created or not: so it is unique also
 * between servers, and still there after a crash.
 */
export interface ReservationPool {
  isTaken(item: string): boolean
  /** Whether it was free, and is ours now. */
  take(item: string, holder: Holder): Promise<boolean>
  /** Gives it back if `holder` has it. */
  release(item: string, holder: Holder): Promise<void>
  /** Everything that is taken by a Service. */
  all(): Iterable<Reserved>
}

export interface Reserved {
  readonly item: string
  readonly holder: Holder
  readonly object: JsonObject
}

const MANAGED_BY = {
  'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
  'ipaddress.kubernetes.io/ip-family': 'IPv4',
}

/** Cluster IPs, each an IPAddress object (KEP-1880). */
export const addressPool = (scope: WriteScope): ReservationPool =>
  poolOf(poolScope(scope, 'networking.k8s.io', 'ipaddresses'), {
    objectOf: (address, { namespace, name }) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IPAddress',
      metadata: { name: address, ...stamps(scope), labels: MANAGED_BY },
      spec: { parentRef: { group: '', resource: 'services', namespace, name } },
    }),
    holderOf({ spec }) {
      const { parentRef } = spec as unknown as { parentRef: Holder & { resource: string; group?: string } }
      return parentRef.resource === 'services' && !parentRef.group ? parentRef : undefined
    },
  })

const NODE_PORTS_PREFIX = '/ranges/nodeports/'

/** Node ports, each a key that no API shows. */
export function nodePortPool(scope: WriteScope): ReservationPool {
  const kind: ServedKind = {
    ...scope.kind,
    prefix: NODE_PORTS_PREFIX,
    cache: scope.environment.mirror.cache(NODE_PORTS_PREFIX),
    info: { ...scope.kind.info, namespaced: false },
    differences: {},
  }
  return poolOf(
    { ...scope, kind },
    {
      objectOf: (port, { namespace, name }) => ({
        apiVersion: 'v1',
        kind: 'NodePort',
        metadata: { name: port, ...stamps(scope) },
        holder: { namespace, name },
      }),
      holderOf: ({ holder }) => holder as unknown as Holder,
    },
  )
}

const stamps = ({ environment }: WriteScope) => ({
  uid: uuidFrom(environment.random),
  creationTimestamp: timeText(environment.clock.now()),
})

function poolScope(scope: WriteScope, group: string, plural: string): WriteScope {
  const kind = scope.environment.findKind(group, plural)
  if (!kind) throw new InvariantError(`${plural} are served, for they are built in`)
  return { ...scope, kind }
}

interface PoolShape {
  objectOf(item: string, holder: Holder): JsonObject
  /** Undefined for what somebody other than a Service holds. */
  holderOf(object: JsonObject): Holder | undefined
}

function poolOf(scope: WriteScope, { objectOf, holderOf }: PoolShape): ReservationPool {
  const keyOf = (item: string): string => `${scope.kind.prefix}${item}`
  return {
    isTaken: item => scope.kind.cache.find(keyOf(item)) !== undefined,
    async take(item, holder) {
      const object = objectOf(item, holder)
      try {
        await commitObject(scope, { key: keyOf(item), object, stored: storedBytes(object) })
        return true
      } catch (error) {
        if (error instanceof StoreError && error.code === 'exists') return false
        throw error
      }
    },
    *all() {
      for (const { key, object } of scope.kind.cache.objects()) {
        const holder = holderOf(object)
        if (holder) yield { item: key.slice(scope.kind.prefix.length), holder, object }
      }
    },
    async release(item, holder) {
      const current = await newest(scope, keyOf(item))
      if (!current) return
      const { namespace, name } = holderOf(current.object) ?? {}
      if (namespace !== holder.namespace || name !== holder.name) return
      try {
        await commitDeletion(scope, current)
      } catch (error) {
        if (!(error instanceof StoreError && (error.code === 'absent' || error.code === 'conflict'))) throw error
      }
    },
  }
}
