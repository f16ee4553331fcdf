import { Node } from '../../api/core-v1/types.ts'
import {
  type ControllerDefinition,
  controllerFor,
  type Dependencies,
  type Reconciler,
} from '../../client/controller.ts'
import type { InformerEvent } from '../../client/informer.ts'
import { keyOf, type ObjectKey } from '../../machinery/object.ts'
import { type PodRangeOptions, PodRanges } from './pod-ranges.ts'

export const DEFAULT_POD_RANGE: PodRangeOptions = { clusterRange: '10.244.0.0/16', nodePrefix: 24 }

/** One worker: two machines must not be given a range from the same look. */
export const nodeIpamController = (options: PodRangeOptions = DEFAULT_POD_RANGE): ControllerDefinition =>
  controllerFor(Node, { name: 'node-ipam', component: 'cidrAllocator', workers: 1 })
    .watches(Node, othersAfterDeletion)
    .reconciledBy(dependencies => nodeIpamReconciler(dependencies, options))

/** Gives every machine its own range of Pod addresses, once and for good. */
function nodeIpamReconciler({ client, informers, events }: Dependencies, options: PodRangeOptions): Reconciler {
  const ranges = new PodRanges(options)
  /** By the machine's name: what was given and does not stand in the cache yet. A lost reply may have given it. */
  const given = new Map<string, string>()
  informers.informer(Node).subscribe(event => {
    const { name } = event.object.metadata
    if (event.type !== 'deleted') for (const range of rangesOf(event.object)) ranges.take(range)
    const former = event.type === 'updated' ? event.previous : event.type === 'deleted' ? event.object : undefined
    for (const range of former ? rangesOf(former) : []) ranges.release(range)
    const settled = given.get(name)
    if (settled === undefined || (event.type !== 'deleted' && !hasRange(event.object))) return
    ranges.release(settled)
    given.delete(name)
  })

  return async function reconcile(key) {
    const node = informers.informer(Node).get(key)
    if (!node || hasRange(node)) return {}
    const live = await client.find(Node, key) // The cache may lack what was given a moment ago.
    if (!live || hasRange(live)) return {}
    const range = given.get(key.name) ?? ranges.free()
    if (!range) {
      const message = `Node ${key.name} status is now: CIDRNotAvailable`
      events.record(node, { type: 'Normal', reason: 'CIDRNotAvailable', message })
      return {} // Enqueued again when a machine goes.
    }
    if (!given.has(key.name)) ranges.take(range)
    given.set(key.name, range)
    const { resourceVersion } = live.metadata
    const body = { metadata: { resourceVersion }, spec: { podCIDR: range, podCIDRs: [range] } }
    await client.patch(Node, key, { type: 'merge', body })
    return {}
  }
}

const rangesOf = ({ spec }: Node): readonly string[] => spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : [])

const hasRange = ({ spec }: Node): boolean => Boolean(spec.podCIDR)

function othersAfterDeletion({ type }: InformerEvent<Node>, { informers }: Dependencies): readonly ObjectKey[] {
  const isWaiting = (node: Node): boolean => !hasRange(node)
  return type === 'deleted' ? informers.informer(Node).list().filter(isWaiting).map(keyOf) : []
}
