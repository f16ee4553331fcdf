import type { Pod, ResourceQuota } from '../../api/core-v1/types.ts'
import type { Kind, KubernetesObject } from '../../api/kind.ts'
import { parseQuantity, quantityText } from '../../machinery/quantity.ts'
import type { AdmissionRequest } from '../../registry/resource.ts'
import { refusal } from './admission-plugin.ts'
import type { Usage } from './quota-usage.ts'

/** Adds to the total in place. */
export function add(total: Map<string, bigint>, usage: Usage): void {
  for (const [name, amount] of usage) total.set(name, (total.get(name) ?? 0n) + amount)
}

/** What a change needs beyond what the object had before. */
export function difference(next: Usage, previous: Usage | undefined): Usage {
  if (!previous) return next
  const names = new Set([...next.keys(), ...previous.keys()])
  return new Map([...names].map(name => [name, (next.get(name) ?? 0n) - (previous.get(name) ?? 0n)]))
}

/** Throws Forbidden when the quota has no room for what is wanted. */
export function requireRoom(
  request: AdmissionRequest,
  { quota, used, wanted }: { quota: ResourceQuota; used: Usage; wanted: Usage },
): void {
  const hard = quota.spec?.hard ?? {}
  const exceeded = Object.keys(hard)
    .filter(name => {
      const more = wanted.get(name) ?? 0n
      return more > 0n && (used.get(name) ?? 0n) + more > parseQuantity(hard[name]!).nano
    })
    .sort()
  if (exceeded.length === 0) return
  const shown = (amountOf: (name: string) => bigint): string =>
    exceeded
      .map(name => `${name}=${quantityText({ nano: amountOf(name), format: parseQuantity(hard[name]!).format })}`)
      .join(',')
  throw refusal(
    request,
    `exceeded quota: ${quota.metadata.name}, requested: ${shown(name => wanted.get(name) ?? 0n)}, used: ${shown(name => used.get(name) ?? 0n)}, limited: ${shown(name => parseQuantity(hard[name]!).nano)}`,
  )
}

const COMPUTE = /^(?:(requests|limits)\.)?(cpu|memory)$/

/** Where compute is limited, every container must say how much it wants: nobody gets any by silence. */
export function requireSpecified(
  request: AdmissionRequest,
  quota: ResourceQuota,
  object: KubernetesObject,
  kind: Kind,
): void {
  if (kind.group !== '' || kind.plural !== 'pods' || request.operation !== 'CREATE') return
  const { spec } = object as Pod
  const missing = Object.keys(quota.spec?.hard ?? {})
    .sort()
    .flatMap(name => {
      const match = COMPUTE.exec(name)
      if (!match) return []
      const side = match[1] === 'limits' ? 'limits' : 'requests'
      const resource = match[2]!
      const silent = [...spec.containers, ...(spec.initContainers ?? [])].filter(
        container => container.resources?.[side]?.[resource] === undefined,
      )
      const isForAll = spec.resources?.[side]?.[resource] !== undefined
      return silent.length > 0 && !isForAll ? [`${name} for: ${silent.map(container => container.name).join(',')}`] : []
    })
  if (missing.length > 0)
    throw refusal(request, `failed quota: ${quota.metadata.name}: must specify ${missing.join('; ')}`)
}
