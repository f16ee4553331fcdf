import { deepEqual } from 'fast-equals'
import { Lease } from '../../api/coordination-v1/types.ts'
import { Node, Pod, type Taint } from '../../api/core-v1/types.ts'
import { controllerFor, type Dependencies, type Reconciler } from '../../client/controller.ts'
import type { InformerEvent } from '../../client/informer.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { keyOf, type ObjectKey } from '../../machinery/object.ts'
import { isPodReady } from '../../machinery/pod-state.ts'
import { Expectations, UNSEEN_WRITE_RECHECK_MS } from '../expectations.ts'
import { Heartbeats, readinessOf, SILENCE_MS_MAX, unknownConditions } from './node-health.ts'
import { isEvicting, taintsOf, unhealthyKeyOf } from './node-taints.ts'
import { NotReadyMarks } from './not-ready-marks.ts'
import { evictionPaceOf, ZoneGate, zoneOf } from './zone-limits.ts'

const LEASE_NAMESPACE = 'kube-node-lease'
const UNHEALTHY = 'unhealthy'

export const nodeLifecycleController = controllerFor(Node, { name: 'node-lifecycle', component: 'node-controller' })
  .watches(Node, othersAfterReadiness)
  .watches(Lease, ({ object: { metadata } }) =>
    metadata.namespace === LEASE_NAMESPACE ? [{ name: metadata.name }] : [],
  )
  .watches(Pod, nodeOfReadyPod)
  .reconciledBy(nodeLifecycleReconciler)

/** Notices that a machine has fallen silent, says so on it and its Pods, and keeps its taints as its conditions ask. */
function nodeLifecycleReconciler(dependencies: Dependencies): Reconciler {
  const { client, informers, events, clock } = dependencies
  const expectations = new Expectations(dependencies)
  const heartbeats = new Heartbeats()
  const gate = new ZoneGate()
  const marks = new NotReadyMarks(dependencies)
  // Every machine that comes or changes asks which ones are not well.
  informers.informer(Node).addIndex(UNHEALTHY, node => (unhealthyKeyOf(node) ? [UNHEALTHY] : []))

  return async function reconcile(key) {
    const node = informers.informer(Node).get(key)
    if (!node) {
      heartbeats.forget(key.name)
      marks.forget(key.name)
      expectations.forget(key)
      return {}
    }
    if (!(await expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }
    const lease = informers.informer(Lease).get({ namespace: LEASE_NAMESPACE, name: key.name })
    const silenceMs = heartbeats.silenceMs(node, lease, clock.monotonicMs())
    const isSilent = silenceMs >= SILENCE_MS_MAX
    const known = isSilent ? await sayUnknown(node) : node

    await marks.follow(known)
    const eviction = evictionOf(known)
    const taints = taintsOf(known, { evicts: eviction.isAllowed, now: clock.now() })
    if (!deepEqual(known.spec.taints ?? [], taints)) await writeTaints(known, taints)
    const waits = [...(isSilent ? [] : [SILENCE_MS_MAX - silenceMs]), ...(eviction.waitMs ? [eviction.waitMs] : [])]
    return waits.length > 0 ? { recheckAfterMs: Math.min(...waits) } : {}
  }

  async function sayUnknown(node: Node): Promise<Node> {
    const conditions = unknownConditions(node, clock.now())
    if (deepEqual(conditions.toSorted(byType), node.status.conditions?.toSorted(byType))) return node
    const { name } = node.metadata
    const written = await client.updateStatus(Node, { ...node, status: { ...node.status, conditions } })
    const message = `Node ${name} status is now: NodeNotReady`
    if (readinessOf(node) === 'True') events.record(node, { type: 'Normal', reason: 'NodeNotReady', message })
    return expectations.wrote(keyOf(node), Node, written)
  }

  function evictionOf(node: Node): { readonly isAllowed: boolean; readonly waitMs?: number } {
    if (!unhealthyKeyOf(node)) return { isAllowed: false }
    const { uid } = node.metadata
    const nodes = informers
      .informer(Node)
      .list()
      .map(other => (other.metadata.uid === uid ? node : other))
    const pace = evictionPaceOf(zoneOf(node), nodes)
    if (pace.type === 'cancelled') return { isAllowed: false }
    if (isEvicting(node)) return { isAllowed: true }
    if (pace.type === 'stopped') return { isAllowed: false } // Enqueued again when another machine's readiness changes.
    const waitMs = gate.take(zoneOf(node), pace.intervalMs, clock.monotonicMs())
    return waitMs > 0 ? { isAllowed: false, waitMs } : { isAllowed: true }
  }

  async function writeTaints(node: Node, taints: readonly Taint[]): Promise<void> {
    const { resourceVersion } = node.metadata
    const body = { metadata: { resourceVersion }, spec: { taints } } as unknown as JsonObject
    expectations.wrote(keyOf(node), Node, await client.patch(Node, keyOf(node), { type: 'merge', body }))
  }
}

const byType = (a: { type: string }, b: { type: string }): number => (a.type < b.type ? -1 : 1)

/** Whether one machine may be emptied depends on how the others are. */
function othersAfterReadiness(event: InformerEvent<Node>, { informers }: Dependencies): readonly ObjectKey[] {
  const isNews = event.type !== 'updated' || readinessOf(event.object) !== readinessOf(event.previous)
  if (!isNews) return []
  return informers.informer(Node).byIndex(UNHEALTHY, UNHEALTHY).map(keyOf)
}

/** A Pod that is ready on a machine that is not: it was bound late, or its machine spoke before it fell silent. */
function nodeOfReadyPod({ type, object }: InformerEvent<Pod>, { informers }: Dependencies): readonly ObjectKey[] {
  const name = object.spec.nodeName
  if (type === 'deleted' || !name || !isPodReady(object)) return []
  const node = informers.informer(Node).get({ name })
  return node && unhealthyKeyOf(node) ? [{ name }] : []
}
