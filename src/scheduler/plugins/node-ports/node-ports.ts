import type { NodeInfo } from '../../node-info.ts'
import type { Plugin } from '../../plugin.ts'
import type { PodInfo } from '../../pod-info.ts'

const REASON = "node(s) didn't have free ports for the requested pod ports"

/** No two Pods hold one port of a machine. */
export const nodePorts: Plugin = {
  name: 'NodePorts',
  filterFor: pod =>
    pod.hostPorts.length === 0
      ? undefined
      : { kind: 'where', refusalOf: node => (arePortsFree(pod, node) ? undefined : REASON) },
  helpedBy: {
    nodeChanged: (pod, { node }) => arePortsFree(pod, node),
    podRemoved: (pod, { pod: removed, node }) => removed.hostPorts.length > 0 && arePortsFree(pod, node),
  },
}

const arePortsFree = ({ hostPorts }: PodInfo, node: NodeInfo): boolean =>
  !hostPorts.some(port => node.isPortTaken(port))
