import { addressRangeOf, addressTextOf } from '../../machinery/address-range.ts'

export interface PodRangeOptions {
  /** The addresses of all Pods, for example `10.244.0.0/16`. */
  readonly clusterRange: string
  /** Prefix length of the range of one machine. */
  readonly nodePrefix: number
}

/** The first range of a machine's size that overlaps none of those in use; undefined when all are taken. */
export function freePodRange(
  { clusterRange, nodePrefix }: PodRangeOptions,
  used: Iterable<string>,
): string | undefined {
  const cluster = addressRangeOf(clusterRange)
  const size = 2 ** (32 - nodePrefix)
  const taken = [...used].flatMap(text => (text.includes(':') ? [] : [addressRangeOf(text)]))
  for (let first = cluster.first; first + size <= cluster.first + cluster.size; first += size) {
    const isTaken = taken.some(range => range.first < first + size && first < range.first + range.size)
    if (!isTaken) return `${addressTextOf(first)}/${nodePrefix}`
  }
  return undefined
}
