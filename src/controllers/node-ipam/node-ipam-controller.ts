import { Node } from '../../api/core-v1/types.ts'
import {
  type ControllerDefinition,
  controllerFor,
  type Dependencies,
  type Reconciler,
} from '../../client/controller.ts'
import type { InformerEvent } from '../../client/informer.ts'
import { keyOf, type ObjectKey } from '../../machinery/object.ts'
import { freePodRange, type PodRangeOptions } from './pod-ranges.ts'

export const DEFAULT_POD_RANGE: PodRangeOptions = { clusterRange: '10.244.0.0/16', nodePrefix: 24 }

/** One worker: two machines must not be given a range from the same look. */
export const nodeIpamController = (options: PodRangeOptions = DEFAULT_POD_RANGE): ControllerDefinition =>
  controllerFor(Node, { name: 'node-ipam', component: 'cidrAllocator', workers: 1 })
    .watches(Node, othersAfterDeletion)
    .reconciledBy(dependencies => nodeIpamReconciler(dependencies, options))

/** Gives every machine its own range of Pod addresses, once and for good. */
function nodeIpamReconciler({ client, informers, events }: Dependencies, options: PodRangeOptions): Reconciler {
  return async function reconcile(key) {
    const node = informers.informer(Node).get(key)
    if (!node || hasRange(node)) return {}
    const { items } = await client.list(Node) // The cache may lack what was given a moment ago.
    const live = items.find(({ metadata }) => metadata.uid === node.metadata.uid)
    if (!live || hasRange(live)) return {}
    const used = items.flatMap(({ spec }) => spec.podCIDRs ?? spec.podCIDR ?? [])
    const range = freePodRange(options, used)
    if (!range) {
      const message = `Node ${key.name} status is now: CIDRNotAvailable`
      events.record(node, { type: 'Normal', reason: 'CIDRNotAvailable', message })
      return {} // Enqueued again when a machine goes.
    }
    const { resourceVersion } = live.metadata
    const body = { metadata: { resourceVersion }, spec: { podCIDR: range, podCIDRs: [range] } }
    await client.patch(Node, key, { type: 'merge', body })
    return {}
  }
}

const hasRange = ({ spec }: Node): boolean => Boolean(spec.podCIDR)

function othersAfterDeletion({ type }: InformerEvent<Node>, { informers }: Dependencies): readonly ObjectKey[] {
  const isWaiting = (node: Node): boolean => !hasRange(node)
  return type === 'deleted' ? informers.informer(Node).list().filter(isWaiting).map(keyOf) : []
}
