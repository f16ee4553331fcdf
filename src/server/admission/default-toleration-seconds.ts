import type { Toleration } from '../../api/core-v1/types.ts'
import type { AdmissionPlugin } from '../../registry/resource.ts'
import { concerning, createdPod, unchanged, withSpec } from './admission-plugin.ts'

const SECONDS = 300
const TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

/** A Pod stays five minutes on a machine that is not ready or does not answer, unless it says otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  concerns: concerning('/pods'),
  mutate(request) {
    const pod = createdPod(request)
    if (!pod) return unchanged(request)
    const { tolerations = [] } = pod.spec
    const missing = TAINTS.filter(taint => !tolerations.some(toleration => covers(toleration, taint)))
    if (missing.length === 0) return unchanged(request)
    const added = missing.map(
      (key): Toleration => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: SECONDS }),
    )
    return withSpec(pod, { tolerations: [...tolerations, ...added] })
  },
}

const covers = ({ key, effect }: Toleration, taint: string): boolean =>
  (!key || key === taint) && (!effect || effect === 'NoExecute')
