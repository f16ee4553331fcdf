import type { Node } from '../../api/core-v1/types.ts'
import { readinessOf } from './node-health.ts'

/** One machine of a zone every ten seconds; a tenth of that in a large cluster of which much of a zone is down. */
const INTERVAL_MS = 10_000
const DISRUPTED_INTERVAL_MS = 100_000
const LARGE_CLUSTER_NODES_MIN = 51
const UNHEALTHY_FRACTION = 0.55

export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption'

export const zoneOf = ({ metadata }: Node): string =>
  [
    metadata.labels?.['topology.kubernetes.io/region'] ?? '',
    metadata.labels?.['topology.kubernetes.io/zone'] ?? '',
  ].join('/')

/** Many machines that vanish at once are rather a broken network than broken machines. */
export function zoneStateOf(nodes: readonly Node[]): ZoneState {
  const unhealthy = nodes.filter(node => readinessOf(node) !== 'True').length
  if (unhealthy > 0 && unhealthy === nodes.length) return 'FullDisruption'
  return unhealthy > 2 && unhealthy / nodes.length >= UNHEALTHY_FRACTION ? 'PartialDisruption' : 'Normal'
}

/** How fast Pods may be driven off the machines of a zone. */
export type EvictionPace =
  /** Everything is down: it is us who are cut off. Nobody is driven off, and who was marked is marked no more. */
  | { readonly type: 'cancelled' }
  /** Nobody more is driven off for now. */
  | { readonly type: 'stopped' }
  | { readonly type: 'oneEach'; readonly intervalMs: number }

export function evictionPaceOf(zone: string, nodes: readonly Node[]): EvictionPace {
  const zones = Map.groupBy(nodes, zoneOf)
  const states = new Map([...zones].map(([name, members]) => [name, zoneStateOf(members)]))
  if ([...states.values()].every(state => state === 'FullDisruption')) return { type: 'cancelled' }
  if (states.get(zone) !== 'PartialDisruption') return { type: 'oneEach', intervalMs: INTERVAL_MS }
  return (zones.get(zone)?.length ?? 0) >= LARGE_CLUSTER_NODES_MIN
    ? { type: 'oneEach', intervalMs: DISRUPTED_INTERVAL_MS }
    : { type: 'stopped' }
}

/** Lets one machine of a zone pass in each interval, the first at once. */
export class ZoneGate {
  readonly #nextMs = new Map<string, number>()

  /** 0 lets the machine pass; otherwise the milliseconds to wait. */
  take(zone: string, intervalMs: number, nowMs: number): number {
    const nextMs = this.#nextMs.get(zone) ?? nowMs
    if (nextMs > nowMs) return Math.min(intervalMs, nextMs - nowMs)
    this.#nextMs.set(zone, nowMs + intervalMs)
    return 0
  }
}
