import type { Node, Taint } from '../../api/core-v1/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { AdmissionPlugin } from '../../registry/resource.ts'
import { concerning, is, unchanged } from './admission-plugin.ts'

const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }

/** A new machine gets no Pods before it was seen ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  concerns: concerning('/nodes'),
  mutate(request) {
    if (request.operation !== 'CREATE' || !is(request, '', 'nodes')) return unchanged(request)
    const { spec = {} } = request.object as unknown as Node
    const taints = spec.taints ?? []
    if (taints.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect))
      return unchanged(request)
    return { ...request.object!, spec: { ...spec, taints: [...taints, NOT_READY] } as unknown as JsonObject }
  },
}
