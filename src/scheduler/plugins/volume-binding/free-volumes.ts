import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../../api/core-v1/types.ts'
import type { InformerEvent } from '../../../client/informer.ts'
import { type NodeMatcher, nodeSelectorMatcher } from '../../../machinery/node-selector.ts'
import { parseQuantity } from '../../../machinery/quantity.ts'
import { matchesLabels, requirementsOf } from '../../../machinery/selectors.ts'
import {
  findMatchingVolume,
  requestedStorage,
  storageClassOf,
  volumeMismatchBesidesSize,
} from '../../../machinery/volume-binding.ts'
import { HOSTNAME_LABEL } from '../../cluster-state.ts'

interface FreeVolume {
  readonly volume: PersistentVolume
  readonly bytes: bigint
}

interface Shelf {
  /** Volumes of one machine each, by its hostname label. Smallest first, as everywhere here. */
  readonly byHost: Map<string, FreeVolume[]>
  readonly elsewhere: FreeVolume[]
}

/** Finds volumes for one claim. */
export interface VolumeQuery {
  readonly claim: PersistentVolumeClaim
  /** The volume reserved for the claim, else the smallest that serves it and that the machine reaches. */
  find(node: Node, isTaken: (volume: PersistentVolume) => boolean): PersistentVolume | undefined
  /** Hostname labels of the only machines that may have one; undefined when any may. */
  readonly hosts: ReadonlyMap<string, unknown> | undefined
}

/**
 * Volumes that nobody has yet, filed by class and machine, so that the smallest one for a claim on a machine is found
 * without looking at all; and those reserved for a claim by name.
 */
export class FreeVolumes {
  readonly #shelves = new Map<string, Shelf>()
  readonly #reserved = new Map<string, Map<string, PersistentVolume>>()
  readonly #matchers = new WeakMap<PersistentVolume, NodeMatcher>()

  handle(event: InformerEvent<PersistentVolume>): void {
    if (event.type === 'updated') this.#unfile(event.previous)
    if (event.type === 'deleted') this.#unfile(event.object)
    else this.#file(event.object)
  }

  queryFor(claim: PersistentVolumeClaim): VolumeQuery {
    const reserved = this.#reserved.get(`${claim.metadata.namespace}/${claim.metadata.name}`)
    const own = reserved && findMatchingVolume(claim, reserved.values(), { reservedOnly: true })
    if (own) {
      const find: VolumeQuery['find'] = (node, isTaken) =>
        this.isReachable(own, node) && !isTaken(own) ? own : undefined
      return { claim, find, hosts: undefined }
    }
    const shelf = this.#shelves.get(storageClassOf(claim))
    if (!shelf) return { claim, find: () => undefined, hosts: new Map() }
    const serves = servesClaim(claim)
    const find: VolumeQuery['find'] = (node, isTaken) => {
      const isFree = (free: FreeVolume): boolean => serves(free) && !isTaken(free.volume)
      const local = shelf.byHost.get(node.metadata.labels?.[HOSTNAME_LABEL] ?? '')?.find(isFree)
      const other = shelf.elsewhere.find(free => isFree(free) && this.isReachable(free.volume, node))
      if (local && other) return (bySize(local, other) < 0 ? local : other).volume
      return (local ?? other)?.volume
    }
    return { claim, find, hosts: shelf.elsewhere.length > 0 ? undefined : shelf.byHost }
  }

  isReachable(volume: PersistentVolume, node: Node): boolean {
    const required = volume.spec.nodeAffinity?.required
    if (!required) return true
    let matches = this.#matchers.get(volume)
    if (!matches) {
      matches = nodeSelectorMatcher(required)
      this.#matchers.set(volume, matches)
    }
    return matches(node)
  }

  #file(volume: PersistentVolume): void {
    const { claimRef } = volume.spec
    if (claimRef) {
      const key = `${claimRef.namespace}/${claimRef.name}`
      const reserved = this.#reserved.get(key)
      if (reserved) reserved.set(volume.metadata.name, volume)
      else this.#reserved.set(key, new Map([[volume.metadata.name, volume]]))
      return
    }
    if (volume.status.phase !== 'Available' || volume.metadata.deletionTimestamp) return
    const free = { volume, bytes: bytesOf(volume) }
    const { byHost, elsewhere } = this.#shelfOf(volume)
    const hosts = hostsOf(volume)
    if (!hosts) insertSorted(elsewhere, free)
    for (const host of hosts ?? []) {
      const row = byHost.get(host)
      if (row) insertSorted(row, free)
      else byHost.set(host, [free])
    }
  }

  #unfile(volume: PersistentVolume): void {
    const { claimRef } = volume.spec
    if (claimRef) {
      const key = `${claimRef.namespace}/${claimRef.name}`
      const reserved = this.#reserved.get(key)
      reserved?.delete(volume.metadata.name)
      if (reserved?.size === 0) this.#reserved.delete(key)
      return
    }
    const { byHost, elsewhere } = this.#shelfOf(volume)
    const hosts = hostsOf(volume)
    if (!hosts) removeNamed(elsewhere, volume)
    for (const host of hosts ?? []) {
      const row = byHost.get(host)
      if (row) removeNamed(row, volume)
      if (row?.length === 0) byHost.delete(host)
    }
  }

  #shelfOf(volume: PersistentVolume): Shelf {
    const name = storageClassOf(volume)
    let shelf = this.#shelves.get(name)
    if (!shelf) {
      shelf = { byHost: new Map(), elsewhere: [] }
      this.#shelves.set(name, shelf)
    }
    return shelf
  }
}

function servesClaim(claim: PersistentVolumeClaim): (free: FreeVolume) => boolean {
  const requested = parseQuantity(requestedStorage(claim)).nano
  const requirements = claim.spec.selector && requirementsOf(claim.spec.selector)
  return ({ volume, bytes }) =>
    bytes >= requested &&
    volumeMismatchBesidesSize(volume, claim) === undefined &&
    (!requirements || matchesLabels(requirements, volume.metadata.labels))
}

/** The machines of a volume whose affinity names nothing but hostnames. */
export function hostsOf({ spec }: PersistentVolume): readonly string[] | undefined {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms ?? []
  const [expression, ...others] = terms[0]?.matchExpressions ?? []
  if (terms.length !== 1 || others.length > 0 || (terms[0]!.matchFields ?? []).length > 0) return undefined
  return expression?.key === HOSTNAME_LABEL && expression.operator === 'In' ? expression.values : undefined
}

const bytesOf = ({ spec }: PersistentVolume): bigint => parseQuantity(spec.capacity?.storage ?? 0).nano

function bySize(a: FreeVolume, b: FreeVolume): number {
  if (a.bytes !== b.bytes) return a.bytes < b.bytes ? -1 : 1
  return a.volume.metadata.name < b.volume.metadata.name ? -1 : 1
}

function insertSorted(row: FreeVolume[], free: FreeVolume): void {
  let [low, high] = [0, row.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (bySize(row[middle]!, free) < 0) low = middle + 1
    else high = middle
  }
  row.splice(low, 0, free)
}

function removeNamed(row: FreeVolume[], { metadata: { name } }: PersistentVolume): void {
  const index = row.findIndex(({ volume }) => volume.metadata.name === name)
  if (index >= 0) row.splice(index, 1)
}
