import { Pod } from '../api/core-v1/types.ts'
import type { InformerFactory } from '../client/informer.ts'

const BY_NODE = 'node'

/** The Pods that are bound to the machine. */
export function podsOnNode(informers: InformerFactory, node: string): readonly Pod[] {
  const pods = informers.informer(Pod)
  pods.addIndex(BY_NODE, nodeOfPod)
  return pods.byIndex(BY_NODE, node)
}

const nodeOfPod = ({ spec }: Pod): readonly string[] => (spec.nodeName ? [spec.nodeName] : [])
