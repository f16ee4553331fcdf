import type { Container, PodSpec } from '../api/core-v1/types.ts'
import { compareQuantities } from './quantity.ts'

export type QualityOfService = 'BestEffort' | 'Burstable' | 'Guaranteed'

const COUNTED = ['cpu', 'memory']

/** The class of a Pod ("Configure Quality of Service for Pods"): how late it is evicted when a machine runs short. */
export function qualityOfServiceOf(
  spec: Pick<PodSpec, 'containers' | 'initContainers' | 'resources'>,
): QualityOfService {
  const users = spec.resources
    ? [{ resources: spec.resources }]
    : [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
  const amounts = users.flatMap(({ resources }) => [resources?.requests, resources?.limits])
  const asksForAny = amounts.some(list => COUNTED.some(name => isPositive(list?.[name])))
  if (!asksForAny) return 'BestEffort'
  return users.every(isBounded) ? 'Guaranteed' : 'Burstable'
}

const isPositive = (amount: string | number | undefined): boolean =>
  amount !== undefined && compareQuantities(amount, '0') > 0

/** Every counted resource has a limit, and asks for all of it. */
const isBounded = ({ resources }: Pick<Container, 'resources'>): boolean =>
  COUNTED.every(name => {
    const limit = resources?.limits?.[name]
    const request = resources?.requests?.[name]
    return isPositive(limit) && (request === undefined || compareQuantities(request, limit!) === 0)
  })
