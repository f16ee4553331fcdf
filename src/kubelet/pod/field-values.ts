import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '../../api/core-v1/types.ts'
import { milliUnitsOf, parseQuantity, unitsOf } from '../../machinery/quantity.ts'

/** What a Pod's fields are at the moment, for environment variables and files (downward API). */
export interface FieldSources {
  readonly pod: Pod
  readonly nodeName: string
  readonly podAddresses: readonly string[]
  readonly hostAddresses: readonly string[]
  /** What the machine offers to Pods: the default of limits that are not set. */
  readonly allocatable: { readonly cpu: string; readonly memory: string; readonly ephemeralStorage: string }
}

/** The text of one field. Throws on a path that the downward API does not know. */
export function fieldValueOf({ fieldPath }: ObjectFieldSelector, sources: FieldSources): string {
  const { metadata, spec } = sources.pod
  const keyed = /^metadata\.(annotations|labels)\['(.*)'\]$/.exec(fieldPath)
  if (keyed) return metadata[keyed[1] as 'annotations' | 'labels']?.[keyed[2]!] ?? ''
  switch (fieldPath) {
    case 'metadata.name':
      return metadata.name
    case 'metadata.namespace':
      return metadata.namespace
    case 'metadata.uid':
      return metadata.uid
    case 'metadata.labels':
      return linesOf(metadata.labels)
    case 'metadata.annotations':
      return linesOf(metadata.annotations)
    case 'spec.nodeName':
      return sources.nodeName
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? 'default'
    case 'status.podIP':
      return sources.podAddresses[0] ?? ''
    case 'status.podIPs':
      return sources.podAddresses.join(',')
    case 'status.hostIP':
      return sources.hostAddresses[0] ?? ''
    case 'status.hostIPs':
      return sources.hostAddresses.join(',')
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`)
  }
}

const linesOf = (entries: Readonly<Record<string, string>> = {}): string =>
  Object.keys(entries)
    .sort()
    .map(key => `${key}=${JSON.stringify(entries[key])}`)
    .join('\n')

/** A request or limit in units of the divisor, rounded up. `own` is the container when the selector names none. */
export function resourceValueOf(selector: ResourceFieldSelector, sources: FieldSources, own?: Container): string {
  const { spec } = sources.pod
  const named = [...spec.containers, ...(spec.initContainers ?? [])].find(({ name }) => name === selector.containerName)
  const container = named ?? own
  if (!container) throw new Error(`container ${selector.containerName ?? ''} not found`)
  const [kind, ...rest] = selector.resource.split('.')
  const resource = rest.join('.')
  if (kind !== 'limits' && kind !== 'requests') throw new Error(`unsupported container resource : ${selector.resource}`)
  const given = container.resources?.[kind]?.[resource]
  const quantity = given ?? (kind === 'limits' ? defaultLimitOf(resource, sources) : '0')
  return String(dividedUp(quantity, selector.divisor ?? '1', resource))
}

function defaultLimitOf(resource: string, { allocatable }: FieldSources): string {
  if (resource === 'cpu') return allocatable.cpu
  if (resource === 'memory') return allocatable.memory
  return resource === 'ephemeral-storage' ? allocatable.ephemeralStorage : '0'
}

function dividedUp(quantity: string | number, divisor: string | number, resource: string): number {
  const effective = parseQuantity(divisor).nano === 0n ? '1' : divisor
  if (resource === 'cpu') return Math.ceil(milliUnitsOf(quantity) / milliUnitsOf(effective))
  return Math.ceil(unitsOf(quantity) / unitsOf(effective))
}
