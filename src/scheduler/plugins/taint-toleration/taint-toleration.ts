import { tolerates, untoleratedTaint } from '../../../machinery/taints.ts'
import type { NodeInfo } from '../../node-info.ts'
import { normalizeToHundred, type Plugin } from '../../plugin.ts'
import type { PodInfo } from '../../pod-info.ts'

/** Keeps Pods off machines whose taints they do not tolerate, and prefers machines with fewer `PreferNoSchedule` ones. */
export const taintToleration: Plugin = {
  name: 'TaintToleration',
  weight: 3,
  filterFor: pod => ({ kind: 'where', refusalOf: node => refusal(pod, node) }),
  scorerFor(pod, nodes) {
    if (nodes.every(({ taints }) => taints.length === 0)) return undefined
    return {
      scoreOf: node => dislikedTaints(pod, node),
      normalize: scores => normalizeToHundred(scores, true),
    }
  },
  helpedBy: {
    nodeChanged: (pod, { node }) => !refusal(pod, node),
  },
}

function refusal({ pod }: PodInfo, { taints }: NodeInfo): string | undefined {
  if (taints.length === 0) return undefined
  const taint = untoleratedTaint(taints, pod.spec.tolerations)
  return taint && `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`
}

const dislikedTaints = ({ pod }: PodInfo, { taints }: NodeInfo): number =>
  taints.filter(
    taint =>
      taint.effect === 'PreferNoSchedule' && !pod.spec.tolerations?.some(toleration => tolerates(toleration, taint)),
  ).length
