import type { Container, Pod, PodStatus } from '../../api/core-v1/types.ts'
import { compareQuantities, unitsOf } from '../../machinery/quantity.ts'

const COUNTED = ['cpu', 'memory'] as const

/** Which class of service the requests and limits of a Pod make ("Pod Quality of Service Classes"). */
export function qosClassOf({ spec }: Pick<Pod, 'spec'>): NonNullable<PodStatus['qosClass']> {
  const containers = [...(spec.initContainers ?? []), ...spec.containers]
  if (!containers.some(asksForSomething)) return 'BestEffort'
  return containers.every(isGuaranteed) ? 'Guaranteed' : 'Burstable'
}

const asksForSomething = ({ resources }: Container): boolean =>
  COUNTED.some(name => unitsOf(resources?.requests?.[name] ?? 0) > 0 || unitsOf(resources?.limits?.[name] ?? 0) > 0)

const isGuaranteed = ({ resources }: Container): boolean =>
  COUNTED.every(name => {
    const limit = resources?.limits?.[name]
    const request = resources?.requests?.[name] ?? limit
    return limit !== undefined && request !== undefined && compareQuantities(limit, request) === 0
  })
