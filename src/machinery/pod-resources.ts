import type { Container, ContainerStatus, PodSpec, PodStatus } from '../api/core-v1/types.ts'
import type { Quantity } from '../api/meta-v1/types.ts'
import { parseQuantity } from './quantity.ts'

/** Exact amounts by resource name, in units of 10⁻⁹ as `parseQuantity` counts. */
export type ResourceAmounts = ReadonlyMap<string, bigint>

type Amounts = Map<string, bigint>
type Quantities = { readonly [name: string]: Quantity } | undefined

/** Just what of a Pod decides how much it needs. */
export interface ResourceUser {
  readonly spec: Pick<PodSpec, 'containers' | 'initContainers' | 'overhead' | 'resources'>
  readonly status?: Pick<PodStatus, 'containerStatuses' | 'initContainerStatuses'>
}

/**
 * What a Pod needs of a machine: all containers together with all sidecars, or the most that an init container needs
 * beside the sidecars started before it, whichever is more; Pod-level resources instead where set; overhead on top.
 * While a container is being resized, the larger of what it asks and what it still holds counts.
 */
export function effectiveRequestsOf({ spec, status }: ResourceUser): ResourceAmounts {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]
  const byName = new Map(statuses.map(container => [container.name, container]))
  const needs = (container: Container): Amounts => {
    const amounts = amountsOf(container.resources?.requests)
    return raisedByStatus(amounts, byName.get(container.name))
  }
  const total = withInitContainers(spec, needs)
  for (const [name, amount] of amountsOf(spec.resources?.requests)) total.set(name, amount)
  addAmounts(total, amountsOf(spec.overhead))
  return total
}

/** The most that a Pod may take, by the same rules. A resource that some container leaves open has only the others' sum. */
export function effectiveLimitsOf({ spec }: ResourceUser): ResourceAmounts {
  const total = withInitContainers(spec, container => amountsOf(container.resources?.limits))
  for (const [name, amount] of amountsOf(spec.resources?.limits)) total.set(name, amount)
  for (const [name, amount] of amountsOf(spec.overhead)) {
    const limit = total.get(name)
    if (limit !== undefined) total.set(name, limit + amount)
  }
  return total
}

/** CPU in thousandths, everything else in whole units, rounded up: the numbers that machines are compared with. */
export function countedAmount(name: string, nano: bigint): number {
  const divisor = name === 'cpu' ? 1_000_000n : 1_000_000_000n
  const quotient = nano / divisor
  return Number(nano % divisor > 0n ? quotient + 1n : quotient)
}

/** Whether an init container keeps running beside the Pod's containers. */
export const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === 'Always'

function withInitContainers(
  { containers, initContainers = [] }: ResourceUser['spec'],
  needs: (c: Container) => Amounts,
) {
  const total: Amounts = new Map()
  for (const container of containers) addAmounts(total, needs(container))
  const sidecars: Amounts = new Map()
  const initMax: Amounts = new Map()
  for (const container of initContainers) {
    const needed = needs(container)
    if (isSidecar(container)) {
      addAmounts(total, needed)
      addAmounts(sidecars, needed)
      raiseTo(initMax, sidecars)
    } else {
      addAmounts(needed, sidecars)
      raiseTo(initMax, needed)
    }
  }
  raiseTo(total, initMax)
  return total
}

function raisedByStatus(amounts: Amounts, status: ContainerStatus | undefined): Amounts {
  if (!status) return amounts
  raiseTo(amounts, amountsOf(status.allocatedResources))
  raiseTo(amounts, amountsOf(status.resources?.requests))
  return amounts
}

function amountsOf(quantities: Quantities): Amounts {
  const amounts: Amounts = new Map()
  for (const name in quantities) amounts.set(name, parseQuantity(quantities[name]!).nano)
  return amounts
}

function addAmounts(to: Amounts, added: ResourceAmounts): void {
  for (const [name, amount] of added) to.set(name, (to.get(name) ?? 0n) + amount)
}

function raiseTo(to: Amounts, floor: ResourceAmounts): void {
  for (const [name, amount] of floor) if (amount > (to.get(name) ?? -1n)) to.set(name, amount)
}
