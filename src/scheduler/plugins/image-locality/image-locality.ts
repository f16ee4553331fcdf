import type { ClusterState } from '../../cluster-state.ts'
import type { NodeInfo } from '../../node-info.ts'
import type { Plugin } from '../../plugin.ts'
import type { PodInfo } from '../../pod-info.ts'

const MIB = 1024 * 1024
/** Smaller images are not worth a preference. */
const BYTES_MIN = 23 * MIB
/** For each container; what is larger does not count more. */
const BYTES_MAX = 1000 * MIB

/**
 * Likes machines that have the images already, the larger the better, but less when few machines have them: or all
 * Pods of an image would gather on the first machine that pulled it.
 */
export function imageLocality(state: ClusterState): Plugin {
  const images = new ImageIndex()
  return {
    name: 'ImageLocality',
    scorerFor(pod, nodes) {
      const wanted = imagesOf(pod)
      const places = wanted.map(image => images.sizesOf(image, nodes))
      if (places.every(sizes => sizes.size === 0)) return undefined
      const total = state.nodes.length
      return { scoreOf: node => localityOf(node, { places, sampled: nodes.length, total }) }
    },
  }
}

const imagesOf = ({ pod }: PodInfo): readonly string[] =>
  [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(({ image }) => normalizedImage(image ?? ''))

/** With the tag that an image without one stands for. */
function normalizedImage(image: string): string {
  return image.includes('@') || image.lastIndexOf(':') > image.lastIndexOf('/') ? image : `${image}:latest`
}

class ImageIndex {
  readonly #byNode = new WeakMap<object, ReadonlyMap<string, number>>()

  sizesOf(image: string, nodes: readonly NodeInfo[]): ReadonlyMap<NodeInfo, number> {
    const sizes = new Map<NodeInfo, number>()
    for (const node of nodes) {
      const size = node.node!.status?.images && this.#imagesOn(node).get(image)
      if (size !== undefined) sizes.set(node, size)
    }
    return sizes
  }

  #imagesOn({ node }: NodeInfo): ReadonlyMap<string, number> {
    const list = node!.status.images!
    let sizes = this.#byNode.get(list)
    if (!sizes) {
      sizes = new Map(list.flatMap(({ names = [], sizeBytes = 0 }) => names.map(name => [name, sizeBytes] as const)))
      this.#byNode.set(list, sizes)
    }
    return sizes
  }
}

function localityOf(
  node: NodeInfo,
  { places, sampled, total }: { places: readonly ReadonlyMap<NodeInfo, number>[]; sampled: number; total: number },
): number {
  let bytes = 0
  for (const sizes of places) bytes += ((sizes.get(node) ?? 0) * sizes.size) / Math.min(sampled, total)
  const most = BYTES_MAX * places.length
  return Math.floor((100 * (Math.min(most, Math.max(BYTES_MIN, bytes)) - BYTES_MIN)) / (most - BYTES_MIN))
}
