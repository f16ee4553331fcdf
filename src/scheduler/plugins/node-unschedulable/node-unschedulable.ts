import { tolerates } from '../../../machinery/taints.ts'
import type { NodeInfo } from '../../node-info.ts'
import type { Plugin } from '../../plugin.ts'
import type { PodInfo } from '../../pod-info.ts'

const REASON = 'node(s) were unschedulable'
const UNSCHEDULABLE_TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const

/** Cordoned machines take nobody but Pods that tolerate exactly that, as those of DaemonSets do. */
export const nodeUnschedulable: Plugin = {
  name: 'NodeUnschedulable',
  filterFor: pod => (isIndifferent(pod) ? undefined : { kind: 'where', refusalOf }),
  helpedBy: {
    nodeChanged: (pod, { node }) => isIndifferent(pod) || !refusalOf(node),
  },
}

const refusalOf = ({ isCordoned }: NodeInfo): string | undefined => (isCordoned ? REASON : undefined)

const isIndifferent = ({ pod }: PodInfo): boolean =>
  pod.spec.tolerations?.some(toleration => tolerates(toleration, UNSCHEDULABLE_TAINT)) ?? false
