import type { PersistentVolumeClaim } from '../../../api/core-v1/types.ts'
import { CSINode } from '../../../api/storage-v1/types.ts'
import type { InformerFactory } from '../../../client/informer.ts'
import { keyFromText } from '../../../machinery/object.ts'
import type { NodeInfo } from '../../node-info.ts'
import type { Plugin } from '../../plugin.ts'
import type { PodInfo } from '../../pod-info.ts'
import type { VolumeLookup } from '../../volume-lookup.ts'

const REASON = 'node(s) exceed max volume count'

interface DriverVolume {
  readonly driver: string
  /** Two Pods with one volume need one attachment. */
  readonly handle: string
}

/** A CSI driver attaches no more volumes to a machine than its CSINode says it can. */
export function nodeVolumeLimits(informers: InformerFactory, lookup: VolumeLookup): Plugin {
  const csiNodes = informers.informer(CSINode)

  const exceeds = (wanted: readonly DriverVolume[], node: NodeInfo): boolean => {
    const drivers = csiNodes.get({ name: node.name })?.spec.drivers ?? []
    return drivers.some(({ name, allocatable }) => {
      const countMax = allocatable?.count
      const own = wanted.filter(({ driver }) => driver === name).map(({ handle }) => handle)
      if (countMax === undefined || own.length === 0) return false
      const attached = handlesOn(node, name, lookup)
      return own.some(handle => !attached.has(handle)) && new Set([...attached, ...own]).size > countMax
    })
  }
  const wantedBy = (pod: PodInfo): readonly DriverVolume[] =>
    lookup.claimsOf(pod).flatMap(claim => driverVolumeOf(claim, lookup) ?? [])

  return {
    name: 'NodeVolumeLimits',
    filterFor(pod) {
      if (pod.claimNames.length === 0) return undefined
      const wanted = wantedBy(pod)
      if (wanted.length === 0) return undefined
      return { kind: 'where', refusalOf: node => (exceeds(wanted, node) ? REASON : undefined) }
    },
    helpedBy: {
      nodeChanged: (_pod, { previous }) => previous === undefined,
      podRemoved: (_pod, { pod: removed }) => removed.claimNames.length > 0,
      csiNodeChanged: () => true,
      claimChanged: (pod, { claim: { metadata } }) =>
        metadata.namespace === pod.namespace && pod.claimNames.includes(metadata.name),
    },
  }
}

/** An unbound claim will need a volume of its class's driver. */
function driverVolumeOf(claim: PersistentVolumeClaim, lookup: VolumeLookup): DriverVolume | undefined {
  const volume = lookup.findVolumeOf(claim)
  if (volume) return volume.spec.csi && { driver: volume.spec.csi.driver, handle: volume.spec.csi.volumeHandle }
  const driver = lookup.findClassOf(claim)?.provisioner
  return driver === undefined ? undefined : { driver, handle: `claim ${claim.metadata.uid}` }
}

function handlesOn({ claims }: NodeInfo, driver: string, lookup: VolumeLookup): ReadonlySet<string> {
  const handles = new Set<string>()
  for (const key of claims.keys()) {
    const claim = lookup.claims.get(keyFromText(key))
    const volume = claim && driverVolumeOf(claim, lookup)
    if (volume?.driver === driver) handles.add(volume.handle)
  }
  return handles
}
