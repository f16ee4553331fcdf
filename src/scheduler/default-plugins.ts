import type { Client } from '../client/client.ts'
import type { InformerFactory } from '../client/informer.ts'
import type { Clock } from '../machinery/clock.ts'
import type { NamespaceLabels } from './affinity-term.ts'
import type { ClusterEvent } from './cluster-event.ts'
import type { ClusterState } from './cluster-state.ts'
import { ANY_PLUGIN } from './cycle.ts'
import type { Plugin } from './plugin.ts'
import { balancedAllocation } from './plugins/balanced-allocation/balanced-allocation.ts'
import { imageLocality } from './plugins/image-locality/image-locality.ts'
import { interPodAffinity } from './plugins/inter-pod-affinity/inter-pod-affinity.ts'
import { nodeAffinity } from './plugins/node-affinity/node-affinity.ts'
import { nodePorts } from './plugins/node-ports/node-ports.ts'
import { nodeResourcesFit } from './plugins/node-resources-fit/node-resources-fit.ts'
import { nodeUnschedulable } from './plugins/node-unschedulable/node-unschedulable.ts'
import { nodeVolumeLimits } from './plugins/node-volume-limits/node-volume-limits.ts'
import { ordinalZone } from './plugins/ordinal-zone/ordinal-zone.ts'
import { schedulingGates } from './plugins/scheduling-gates/scheduling-gates.ts'
import { taintToleration } from './plugins/taint-toleration/taint-toleration.ts'
import { podGroups } from './plugins/topology-spread/pod-group.ts'
import { topologySpread } from './plugins/topology-spread/topology-spread.ts'
import { VolumeBinding } from './plugins/volume-binding/volume-binding.ts'
import { volumeRestrictions } from './plugins/volume-restrictions/volume-restrictions.ts'
import { volumeZone } from './plugins/volume-zone/volume-zone.ts'
import { VolumeLookup } from './volume-lookup.ts'

export interface PluginContext {
  readonly client: Client
  readonly clock: Clock
  readonly informers: InformerFactory
  readonly state: ClusterState
  readonly labelsOfNamespace: NamespaceLabels
  readonly wake: (event: ClusterEvent) => void
}

export interface DefaultPlugins {
  readonly plugins: readonly Plugin[]
  readonly volumeBinding: VolumeBinding
  readonly lookup: VolumeLookup
}

/** In the order in which they are asked: what is cheap and refuses often comes first, and is the reason users read. */
export function defaultPlugins(context: PluginContext): DefaultPlugins {
  const { state, informers, labelsOfNamespace } = context
  const lookup = new VolumeLookup(informers)
  const volumeBinding = new VolumeBinding({ ...context, lookup })
  const plugins: readonly Plugin[] = [
    schedulingGates,
    anyNode,
    nodeUnschedulable,
    taintToleration,
    nodeAffinity,
    nodePorts,
    nodeResourcesFit,
    volumeRestrictions(state, lookup),
    nodeVolumeLimits(informers, lookup),
    volumeBinding,
    volumeZone(lookup),
    topologySpread(state, podGroups(informers)),
    interPodAffinity(state, labelsOfNamespace),
    balancedAllocation,
    imageLocality(state),
    ordinalZone(state),
  ]
  return { plugins, volumeBinding, lookup }
}

/** Refuses nothing. Wakes the Pods that came when there was no machine at all. */
const anyNode: Plugin = { name: ANY_PLUGIN, helpedBy: { nodeChanged: () => true } }
