import { type Container, LimitRange, type LimitRangeItem, type PersistentVolumeClaim } from '../../api/core-v1/types.ts'
import type { Quantity } from '../../api/meta-v1/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { effectiveLimitsOf, effectiveRequestsOf, type ResourceAmounts } from '../../machinery/pod-resources.ts'
import { parseQuantity, quantityText } from '../../machinery/quantity.ts'
import type { AdmissionPlugin } from '../../registry/resource.ts'
import type { ObjectCaches } from '../object-cache.ts'
import { concerning, createdPod, is, refusal, type UnvalidatedPod, unchanged, withSpec } from './admission-plugin.ts'

const ANNOTATION = 'kubernetes.io/limit-ranger'
type Quantities = { readonly [name: string]: Quantity }

/** Fills in what containers leave open, and refuses what lies outside of a namespace's limits. */
export function limitRanger(caches: ObjectCaches): AdmissionPlugin {
  const ranges = caches.of(LimitRange)
  const itemsOf = (namespace: string | undefined, type: string): LimitRangeItem[] =>
    [...ranges.list(namespace ?? '')].flatMap(({ spec }) => spec?.limits ?? []).filter(item => item.type === type)
  return {
    name: 'LimitRanger',
    concerns: concerning('/pods', '/persistentvolumeclaims'),
    mutate(request) {
      const pod = createdPod(request)
      if (!pod) return unchanged(request)
      const items = itemsOf(request.namespace, 'Container')
      return items.length > 0 ? withDefaults(pod, items) : unchanged(request)
    },
    validate(request) {
      const { namespace } = request
      const pod = createdPod(request)
      const problems = pod
        ? [
            ...itemsOf(namespace, 'Container').flatMap(item =>
              [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(container =>
                containerProblems(container, item),
              ),
            ),
            ...itemsOf(namespace, 'Pod').flatMap(item => podProblems(pod, item)),
          ]
        : is(request, '', 'persistentvolumeclaims') && request.operation !== 'DELETE'
          ? itemsOf(namespace, 'PersistentVolumeClaim').flatMap(item => claimProblems(request.object!, item))
          : []
      if (problems.length > 0) throw refusal(request, problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`)
      return undefined
    },
  }
}

/** Limits default to the maximum, requests to the limit, else to the minimum (defaults of LimitRange itself). */
function defaultsOf({ max, min, default: limits, defaultRequest }: LimitRangeItem): {
  limits: Quantities
  requests: Quantities
} {
  const allLimits = { ...max, ...limits }
  return { limits: allLimits, requests: { ...min, ...allLimits, ...defaultRequest } }
}

function withDefaults(pod: UnvalidatedPod, items: readonly LimitRangeItem[]): JsonObject {
  const notes: string[] = []
  const filled =
    (what: string) =>
    (container: Container): Container => {
      let { requests = {}, limits = {} } = container.resources ?? {}
      const setRequests = new Set<string>()
      const setLimits = new Set<string>()
      for (const item of items) {
        const defaults = defaultsOf(item)
        for (const name of Object.keys(defaults.requests))
          if (requests[name] === undefined && limits[name] === undefined) setRequests.add(name)
        for (const name of Object.keys(defaults.limits)) if (limits[name] === undefined) setLimits.add(name)
        requests = { ...defaults.requests, ...limits, ...requests }
        limits = { ...defaults.limits, ...limits }
      }
      if (setRequests.size > 0)
        notes.push(`${[...setRequests].sort().join(', ')} request for ${what} ${container.name}`)
      if (setLimits.size > 0) notes.push(`${[...setLimits].sort().join(', ')} limit for ${what} ${container.name}`)
      return setRequests.size + setLimits.size > 0
        ? { ...container, resources: { ...container.resources, requests, limits } }
        : container
    }
  const containers = pod.spec.containers.map(filled('container'))
  const initContainers = pod.spec.initContainers?.map(filled('init container'))
  if (notes.length === 0) return pod as unknown as JsonObject
  const annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${notes.join('; ')}` }
  const annotated = { ...pod, metadata: { ...pod.metadata, annotations } }
  return withSpec(annotated, { containers, ...(initContainers && { initContainers }) })
}

const containerProblems = ({ resources }: Container, item: LimitRangeItem): string[] =>
  problemsOf(item, 'Container', amountsOf(resources?.requests), amountsOf(resources?.limits))

const podProblems = ({ spec }: UnvalidatedPod, item: LimitRangeItem): string[] =>
  problemsOf(item, 'Pod', effectiveRequestsOf({ spec }), effectiveLimitsOf({ spec }))

function claimProblems(object: JsonObject, item: LimitRangeItem): string[] {
  const requests = amountsOf((object as unknown as PersistentVolumeClaim).spec?.resources?.requests)
  const { max, min } = item
  return problemsOf(
    { ...(max && { max }), ...(min && { min }), type: item.type },
    'PersistentVolumeClaim',
    requests,
    new Map(requests),
  )
}

const amountsOf = (quantities: Quantities = {}): ResourceAmounts =>
  new Map(Object.entries(quantities).map(([name, quantity]) => [name, parseQuantity(quantity).nano]))

function problemsOf(
  { min = {}, max = {}, maxLimitRequestRatio = {} }: LimitRangeItem,
  type: string,
  requests: ResourceAmounts,
  limits: ResourceAmounts,
): string[] {
  const problems: string[] = []
  for (const [name, bound] of Object.entries(min)) {
    const text = `minimum ${name} usage per ${type} is ${bound}`
    const least = parseQuantity(bound)
    const request = requests.get(name)
    const limit = limits.get(name)
    const show = (nano: bigint): string => quantityText({ nano, format: least.format })
    if (request === undefined) problems.push(`${text}.  No request is specified`)
    else if (request < least.nano) problems.push(`${text}, but request is ${show(request)}`)
    if (limit !== undefined && limit < least.nano) problems.push(`${text}, but limit is ${show(limit)}`)
  }
  for (const [name, bound] of Object.entries(max)) {
    const text = `maximum ${name} usage per ${type} is ${bound}`
    const most = parseQuantity(bound)
    const request = requests.get(name)
    const limit = limits.get(name)
    const show = (nano: bigint): string => quantityText({ nano, format: most.format })
    if (limit === undefined) problems.push(`${text}.  No limit is specified`)
    else if (limit > most.nano) problems.push(`${text}, but limit is ${show(limit)}`)
    if (request !== undefined && request > most.nano && request !== limit)
      problems.push(`${text}, but request is ${show(request)}`)
  }
  for (const [name, bound] of Object.entries(maxLimitRequestRatio)) {
    const request = requests.get(name)
    const limit = limits.get(name)
    const text = `${name} max limit to request ratio per ${type} is ${bound}`
    if (request === undefined || limit === undefined || request === 0n)
      problems.push(`${text}, but no request is specified or request is 0`)
    else if (Number(limit) / Number(request) > Number(parseQuantity(bound).nano) / 1e9) {
      problems.push(`${text}, but provided ratio is ${(Number(limit) / Number(request)).toFixed(6)}`)
    }
  }
  return problems
}
