import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../../api/core-v1/types.ts'
import type { InformerEvent } from '../../../client/informer.ts'
import { type NodeMatcher, nodeSelectorMatcher } from '../../../machinery/node-selector.ts'
import { parseQuantity } from '../../../machinery/quantity.ts'
import { findMatchingVolume, storageClassOf } from '../../../machinery/volume-binding.ts'
import { HOSTNAME_LABEL } from '../../cluster-state.ts'

interface Shelf {
  /** Volumes of one machine each, by its hostname label. Smallest first, as everywhere here. */
  readonly byHost: Map<string, PersistentVolume[]>
  readonly elsewhere: PersistentVolume[]
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

  /** The volume reserved for the claim, else the smallest that serves it and that the machine reaches. */
  find(
    claim: PersistentVolumeClaim,
    node: Node,
    isTaken: (volume: PersistentVolume) => boolean,
  ): PersistentVolume | undefined {
    const reserved = this.#reserved.get(`${claim.metadata.namespace}/${claim.metadata.name}`)
    const own = reserved && findMatchingVolume(claim, reserved.values(), { reservedOnly: true })
    if (own) return this.isReachable(own, node) && !isTaken(own) ? own : undefined
    const shelf = this.#shelves.get(storageClassOf(claim))
    if (!shelf) return undefined
    const local = shelf.byHost.get(node.metadata.labels?.[HOSTNAME_LABEL] ?? '') ?? []
    const found = [local, shelf.elsewhere].flatMap(
      volumes => this.#firstFitting(claim, volumes, { node, isTaken }) ?? [],
    )
    return found.length < 2 ? found[0] : found.sort(bySize)[0]
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

  #firstFitting(
    claim: PersistentVolumeClaim,
    volumes: readonly PersistentVolume[],
    { node, isTaken }: { readonly node: Node; readonly isTaken: (volume: PersistentVolume) => boolean },
  ): PersistentVolume | undefined {
    return volumes.find(
      volume => !isTaken(volume) && this.isReachable(volume, node) && findMatchingVolume(claim, [volume]) !== undefined,
    )
  }

  #file(volume: PersistentVolume): void {
    const { claimRef } = volume.spec
    if (claimRef) {
      const key = `${claimRef.namespace}/${claimRef.name}`
      const reserved = this.#reserved.get(key)
      if (reserved) reserved.set(volume.metadata.name, volume)
      else this.#reserved.set(key, new Map([[volume.metadata.name, volume]]))
    } else if (volume.status.phase === 'Available') {
      for (const row of this.#rowsOf(volume)) insertSorted(row, volume)
    }
  }

  #unfile(volume: PersistentVolume): void {
    const { claimRef } = volume.spec
    if (claimRef) {
      const key = `${claimRef.namespace}/${claimRef.name}`
      const reserved = this.#reserved.get(key)
      reserved?.delete(volume.metadata.name)
      if (reserved?.size === 0) this.#reserved.delete(key)
    } else if (volume.status.phase === 'Available') {
      for (const row of this.#rowsOf(volume)) {
        const index = row.findIndex(({ metadata }) => metadata.name === volume.metadata.name)
        if (index >= 0) row.splice(index, 1)
      }
    }
  }

  #rowsOf(volume: PersistentVolume): PersistentVolume[][] {
    const name = storageClassOf(volume)
    let shelf = this.#shelves.get(name)
    if (!shelf) {
      shelf = { byHost: new Map(), elsewhere: [] }
      this.#shelves.set(name, shelf)
    }
    const { byHost, elsewhere } = shelf
    return (
      hostsOf(volume)?.map(host => {
        let row = byHost.get(host)
        if (!row) {
          row = []
          byHost.set(host, row)
        }
        return row
      }) ?? [elsewhere]
    )
  }
}

/** The machines of a volume whose affinity names nothing but hostnames. */
export function hostsOf({ spec }: PersistentVolume): readonly string[] | undefined {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms ?? []
  const [expression, ...others] = terms[0]?.matchExpressions ?? []
  if (terms.length !== 1 || others.length > 0 || (terms[0]!.matchFields ?? []).length > 0) return undefined
  return expression?.key === HOSTNAME_LABEL && expression.operator === 'In' ? expression.values : undefined
}

const sizeOf = ({ spec }: PersistentVolume): bigint => parseQuantity(spec.capacity?.storage ?? 0).nano

function bySize(a: PersistentVolume, b: PersistentVolume): number {
  const difference = sizeOf(a) - sizeOf(b)
  if (difference !== 0n) return difference < 0n ? -1 : 1
  return a.metadata.name < b.metadata.name ? -1 : 1
}

function insertSorted(row: PersistentVolume[], volume: PersistentVolume): void {
  let [low, high] = [0, row.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (bySize(row[middle]!, volume) < 0) low = middle + 1
    else high = middle
  }
  row.splice(low, 0, volume)
}
