import type { PodTemplateSpec } from '../../api/core-v1/types.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { parseQuantity, QuantityError, quantityText } from '../../machinery/quantity.ts'

/** Maps that Kubernetes leaves out when empty. An empty struct behind a pointer (`emptyDir: {}`) says something. */
const MAPS = new Set([
  'annotations',
  'labels',
  'limits',
  'matchLabels',
  'nodeSelector',
  'overhead',
  'requests',
  'volumeAttributes',
])
/** Flags that are left out when false. Every other false stands behind a pointer and differs from "not given". */
const FLAGS = new Set(['hostIPC', 'hostNetwork', 'hostPID', 'readOnly', 'stdin', 'stdinOnce', 'tty'])
/** Counts that are left out when zero. Elsewhere zero differs from "not given", for example `runAsUser`. */
const COUNTS = new Set(['failureThreshold', 'hostPort', 'initialDelaySeconds', 'periodSeconds', 'successThreshold'])
/** Texts that are written even when empty, because the API requires the field. */
const REQUIRED_TEXTS = new Set(['devicePath', 'key', 'mountPath', 'name', 'operator', 'path'])
/** Quantities that stand alone; those of a map are known by the map's name. */
const QUANTITIES = new Set(['divisor', 'sizeLimit'])
/** Containers always carry `resources`, empty or not. */
const CONTAINER_LISTS = new Set(['containers', 'ephemeralContainers', 'initContainers'])

/**
 * The template as Kubernetes 1.34 and newer serialises it, whatever way of writing the same thing it came in: what is
 * absent and what is empty look the same, quantities are in their shortest form. Two templates that mean the same thus
 * have one encoding, also when an older version wrote one of them (kubernetes/kubernetes#135017).
 */
export function canonicalTemplateOf(template: PodTemplateSpec): JsonObject {
  const { metadata, spec } = template as unknown as JsonObject
  return {
    metadata: (canonical('metadata', metadata ?? {}) as JsonObject | undefined) ?? {},
    ...(spec !== undefined && { spec: canonical('spec', spec) }),
  }
}

/** Undefined for what a serialiser would leave out. */
function canonical(field: string, value: JsonValue | undefined): JsonValue | undefined {
  switch (typeof value) {
    case 'undefined':
      return undefined
    case 'boolean':
      return value || !FLAGS.has(field) ? value : undefined
    case 'number':
      return value !== 0 || !COUNTS.has(field) ? value : undefined
    case 'string':
      if (QUANTITIES.has(field)) return shortestQuantity(value)
      return value !== '' || REQUIRED_TEXTS.has(field) ? value : undefined
    default:
      return value === null ? undefined : canonicalCollection(field, value)
  }
}

function canonicalCollection(field: string, value: readonly JsonValue[] | JsonObject): JsonValue | undefined {
  if (isList(value)) return value.length > 0 ? value.map(item => canonicalItem(field, item)) : undefined
  if (MAPS.has(field)) return canonicalMap(field, value)
  const entries = Object.entries(value).map(([key, child]) => [key, canonical(key, child)] as const)
  const present = Object.fromEntries(entries.filter(([, child]) => child !== undefined))
  return field === 'resourceFieldRef' ? { divisor: '0', ...present } : present
}

const isList = (value: readonly JsonValue[] | JsonObject): value is readonly JsonValue[] => Array.isArray(value)

function canonicalItem(field: string, item: JsonValue): JsonValue {
  if (typeof item !== 'object' || item === null) return item
  const object = canonicalCollection('', item) ?? {}
  return CONTAINER_LISTS.has(field) ? { resources: {}, ...(object as JsonObject) } : object
}

/** Keys and values of a map are the user's own: nothing in it is left out, only quantities are rewritten. */
function canonicalMap(field: string, value: JsonObject): JsonObject | undefined {
  if (Object.keys(value).length === 0) return undefined
  if (field !== 'limits' && field !== 'requests' && field !== 'overhead') return value
  return Object.fromEntries(Object.entries(value).map(([resource, amount]) => [resource, shortestQuantity(amount)]))
}

/** What is no quantity stays as it is: an orphaned revision may hold anything, and must not stop its adopter. */
function shortestQuantity(amount: JsonValue | undefined): JsonValue | undefined {
  if (typeof amount !== 'string' && typeof amount !== 'number') return amount
  try {
    return quantityText(parseQuantity(amount))
  } catch (error) {
    if (error instanceof QuantityError) return amount
    throw error
  }
}
