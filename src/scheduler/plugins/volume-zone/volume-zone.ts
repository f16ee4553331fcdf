import type { PersistentVolume } from '../../../api/core-v1/types.ts'
import { REGION_LABEL, ZONE_LABEL } from '../../cluster-state.ts'
import type { NodeInfo } from '../../node-info.ts'
import type { Plugin } from '../../plugin.ts'
import type { PodInfo } from '../../pod-info.ts'
import type { VolumeLookup } from '../../volume-lookup.ts'

const REASON = 'node(s) had no available volume zone'
const TOPOLOGY_LABELS = [
  ZONE_LABEL,
  REGION_LABEL,
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
]

/** Volumes that say by labels in which zone or region they are want their Pods there. */
export function volumeZone(lookup: VolumeLookup): Plugin {
  return {
    name: 'VolumeZone',
    filterFor(pod) {
      const topologies = topologiesOf(pod, lookup)
      if (topologies.length === 0) return undefined
      return { kind: 'where', refusalOf: node => (isWithin(node, topologies) ? undefined : REASON) }
    },
    helpedBy: {
      nodeChanged: (pod, { node }) => isWithin(node, topologiesOf(pod, lookup)),
      claimChanged: (pod, { claim: { metadata } }) =>
        metadata.namespace === pod.namespace && pod.claimNames.includes(metadata.name),
      volumeChanged: (pod, { volume }) =>
        lookup.claimsOf(pod).some(({ spec }) => spec.volumeName === volume.metadata.name),
    },
  }
}

interface Topology {
  readonly key: string
  readonly values: readonly string[]
}

const topologiesOf = (pod: PodInfo, lookup: VolumeLookup): readonly Topology[] =>
  lookup.claimsOf(pod).flatMap(claim => {
    const volume = lookup.findVolumeOf(claim)
    return volume ? topologiesOfVolume(volume) : []
  })

/** A volume in several zones names them with two underscores between. */
const topologiesOfVolume = ({ metadata }: PersistentVolume): Topology[] =>
  TOPOLOGY_LABELS.flatMap(key => {
    const value = metadata.labels?.[key]
    return value === undefined ? [] : [{ key, values: value.split('__') }]
  })

/** Machines without any such label are taken to be everywhere, as upstream does. */
function isWithin({ labels }: NodeInfo, topologies: readonly Topology[]): boolean {
  if (!TOPOLOGY_LABELS.some(key => labels[key] !== undefined)) return true
  return topologies.every(({ key, values }) => values.includes(labels[key] ?? ''))
}
