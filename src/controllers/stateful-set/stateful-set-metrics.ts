import { Counter, Gauge, type Registry } from 'prom-client'
import { StatefulSet } from '../../api/apps-v1/types.ts'
import type { ObjectKey } from '../../machinery/object.ts'
import { maxUnavailableOf, unavailableCount } from './plan-update.ts'
import type { World } from './world.ts'

const SET_LABELS = ['statefulset_namespace', 'statefulset_name', 'pod_management_policy'] as const
const POLICIES = ['OrderedReady', 'Parallel'] as const

/** What the controller counts, under the names that dashboards for upstream's look for (T14). */
export interface StatefulSetMetrics {
  /** One pass has looked at the set. */
  observe(world: World): void
  /** A pass did not begin, because the caches did not show yet what an earlier one wrote. */
  countStaleSkip(): void
  /** The set is gone. */
  forget(key: ObjectKey): void
}

const none: StatefulSetMetrics = { observe: () => {}, countStaleSkip: () => {}, forget: () => {} }

/** Without a registry, counts nothing. A controller that is started again in the same process goes on counting. */
export function statefulSetMetrics(registry: Registry | undefined): StatefulSetMetrics {
  if (!registry) return none
  const maxUnavailable = setGauge(registry, {
    name: 'statefulset_controller_statefulset_max_unavailable',
    help: 'Pods that may be unavailable during an update.',
  })
  const unavailable = setGauge(registry, {
    name: 'statefulset_controller_statefulset_unavailable_replicas',
    help: 'Replicas that are not available now.',
  })
  const skips = skipCounter(registry)
  return {
    observe(world) {
      const labels = labelsOf(world.set)
      maxUnavailable.set(labels, world.features.maxUnavailable ? maxUnavailableOf(world.set) : 1)
      unavailable.set(labels, unavailableCount(world))
    },
    countStaleSkip: () => skips.inc({ group: StatefulSet.group, resource: StatefulSet.plural }),
    forget({ namespace = '', name }) {
      for (const policy of POLICIES) {
        const labels = { statefulset_namespace: namespace, statefulset_name: name, pod_management_policy: policy }
        maxUnavailable.remove(labels)
        unavailable.remove(labels)
      }
    },
  }
}

type SetGauge = Gauge<(typeof SET_LABELS)[number]>
type SkipCounter = Counter<'group' | 'resource'>

function setGauge(registry: Registry, { name, help }: { readonly name: string; readonly help: string }): SetGauge {
  const known = registry.getSingleMetric(name) as SetGauge | undefined // Only this file makes one of this name.
  return known ?? new Gauge({ name, help, labelNames: SET_LABELS, registers: [registry] })
}

function skipCounter(registry: Registry): SkipCounter {
  const name = 'statefulset_controller_stale_sync_skips_total'
  const known = registry.getSingleMetric(name) as SkipCounter | undefined
  if (known) return known
  return new Counter({
    name,
    help: 'Passes that were put off because the caches were older than the last write.',
    labelNames: ['group', 'resource'],
    registers: [registry],
  })
}

const labelsOf = ({ metadata, spec }: StatefulSet) => ({
  statefulset_namespace: metadata.namespace ?? '',
  statefulset_name: metadata.name,
  pod_management_policy: spec.podManagementPolicy ?? 'OrderedReady',
})
