import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from '../../api/core-v1/types.ts'
import type { KubernetesObject } from '../../api/kind.ts'
import { effectiveLimitsOf, effectiveRequestsOf } from '../../machinery/pod-resources.ts'
import { hasPodEnded } from '../../machinery/pod-state.ts'
import { parseQuantity } from '../../machinery/quantity.ts'
import { requestedStorage, storageClassOf } from '../../machinery/volume-binding.ts'

/** Amounts by the names that quotas use, in units of 10⁻⁹. */
export type Usage = ReadonlyMap<string, bigint>

const ONE = 1_000_000_000n
/** Kinds that quotas also know by a short name. */
const PLAIN_COUNTS: ReadonlySet<string> = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
])

export interface Counted {
  readonly group: string
  readonly plural: string
}

/** What one object takes of a quota. Kept for each revision of an object, as every create adds up all of a namespace. */
export function usageOf(object: KubernetesObject, counted: Counted): Usage {
  let usage = known.get(object)
  if (!usage) {
    usage = computed(object, counted)
    known.set(object, usage)
  }
  return usage
}

const known = new WeakMap<KubernetesObject, Usage>()

function computed(object: KubernetesObject, { group, plural }: Counted): Usage {
  const usage = new Map<string, bigint>([[group ? `count/${plural}.${group}` : `count/${plural}`, ONE]])
  if (group !== '') return usage
  if (plural === 'pods') return podUsage(object as Pod, usage)
  if (PLAIN_COUNTS.has(plural)) usage.set(plural, ONE)
  if (plural === 'services') addService(object as Service, usage)
  if (plural === 'persistentvolumeclaims') addClaim(object as PersistentVolumeClaim, usage)
  return usage
}

/** A Pod that has ended is still an object, but needs no machine. */
function podUsage(pod: Pod, usage: Map<string, bigint>): Usage {
  if (hasPodEnded(pod)) return usage
  usage.set('pods', ONE)
  for (const [name, amount] of effectiveRequestsOf(pod)) {
    usage.set(`requests.${name}`, amount)
    if (name === 'cpu' || name === 'memory' || name === 'ephemeral-storage') usage.set(name, amount)
  }
  for (const [name, amount] of effectiveLimitsOf(pod)) usage.set(`limits.${name}`, amount)
  return usage
}

function addService({ spec }: Service, usage: Map<string, bigint>): void {
  const ports = BigInt(spec?.ports?.length ?? 0) * ONE
  if (spec?.type === 'LoadBalancer') usage.set('services.loadbalancers', ONE)
  const hasNodePorts =
    spec?.type === 'NodePort' || (spec?.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
  if (hasNodePorts) usage.set('services.nodeports', ports)
}

function addClaim(claim: PersistentVolumeClaim, usage: Map<string, bigint>): void {
  const storage = parseQuantity(requestedStorage(claim)).nano
  usage.set('requests.storage', storage)
  const storageClass = storageClassOf(claim)
  if (storageClass === '') return
  usage.set(`${storageClass}.storageclass.storage.k8s.io/requests.storage`, storage)
  usage.set(`${storageClass}.storageclass.storage.k8s.io/persistentvolumeclaims`, ONE)
}

/** The kind that a name in a quota counts; undefined for names that Pods, claims and Services share. */
export function countedBy(name: string): Counted | undefined {
  if (name.startsWith('count/')) {
    const [plural, ...group] = name.slice('count/'.length).split('.')
    return { group: group.join('.'), plural: plural! }
  }
  if (PLAIN_COUNTS.has(name)) return { group: '', plural: name }
  if (name.startsWith('services.')) return { group: '', plural: 'services' }
  if (name === 'requests.storage' || name.includes('.storageclass.storage.k8s.io/'))
    return { group: '', plural: 'persistentvolumeclaims' }
  return { group: '', plural: 'pods' }
}

/** Whether a quota is about this object: one with scopes is about some Pods only. */
export function isInScope({ spec }: ResourceQuota, object: KubernetesObject, { group, plural }: Counted): boolean {
  const plain = (spec?.scopes ?? []).map(scopeName => ({
    scopeName,
    operator: 'Exists' as const,
    values: [] as readonly string[],
  }))
  const selected = (spec?.scopeSelector?.matchExpressions ?? []).map(({ scopeName, operator, values = [] }) => ({
    scopeName,
    operator,
    values,
  }))
  const requirements = [...plain, ...selected]
  if (requirements.length === 0) return true
  if (group !== '' || plural !== 'pods') return false
  return requirements.every(requirement => matchesScope(object as Pod, requirement))
}

function matchesScope(
  pod: Pod,
  { scopeName, operator, values }: { scopeName: string; operator: string; values: readonly string[] },
): boolean {
  switch (scopeName) {
    case 'Terminating':
      return pod.spec.activeDeadlineSeconds !== undefined
    case 'NotTerminating':
      return pod.spec.activeDeadlineSeconds === undefined
    case 'BestEffort':
      return isBestEffort(pod)
    case 'NotBestEffort':
      return !isBestEffort(pod)
    case 'PriorityClass':
      return matchesValue(pod.spec.priorityClassName ?? '', operator, values)
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(pod)
    default:
      return false
  }
}

function matchesValue(value: string, operator: string, values: readonly string[]): boolean {
  switch (operator) {
    case 'In':
      return values.includes(value)
    case 'NotIn':
      return !values.includes(value)
    case 'DoesNotExist':
      return value === ''
    default:
      return value !== ''
  }
}

const isBestEffort = ({ spec }: Pod): boolean =>
  [...spec.containers, ...(spec.initContainers ?? [])].every(
    ({ resources }) => Object.keys({ ...resources?.requests, ...resources?.limits }).length === 0,
  )

function crossesNamespaces({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {}
  const terms = [podAffinity, podAntiAffinity].flatMap(affinity => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ])
  return terms.some(
    ({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined,
  )
}
