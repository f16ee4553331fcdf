import protobuf from 'protobufjs'
import kubernetesProtobuf from '../../../data/kubernetes-protobuf.json' with { type: 'json' }
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { timeText } from '../../machinery/time.ts'
import { BodyError, checkShape } from './json-text.ts'

/** What client-go sends by default since kubectl 1.32: these four bytes, then a `runtime.Unknown` around the object. */
const MAGIC = Buffer.from('k8s\0')
const META = 'k8s.io.apimachinery.pkg.apis.meta.v1'

/** Messages that Go embeds, so that in JSON their fields lie in the message around them. */
const EMBEDDED: ReadonlySet<string> = new Set([
  'localObjectReference',
  'ephemeralContainerCommon',
  'persistentVolumeSource',
  'handler',
  'volumeSource',
  'ingressRuleValue',
  'ruleWithOperations',
  'rule',
  'deviceConfiguration',
])
/** Fields with another name in JSON. */
const RENAMED = new Map([
  ['aPIGroup', 'apiGroup'],
  ['uID', 'uid'],
  ['Webhooks', 'webhooks'],
  ['Expression', 'expression'],
  ['Name', 'name'],
])
/**
 * Go writes a zero for every field that is no pointer, and protobuf cannot tell "zero" from "not given" there. An empty
 * text means "not given" everywhere but in these; a zero number or `false` is kept everywhere but in those below.
 */
const EMPTY_TEXT_KEPT: ReadonlySet<string> = new Set([
  'storageClassName',
  'volumeAttributesClassName',
  'value',
  'serviceName',
])
const ZERO_DROPPED: ReadonlySet<string> = new Set([
  'hostPort',
  'nodePort',
  'healthCheckNodePort',
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
  'generation',
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'stdin',
  'stdinOnce',
  'tty',
  'minReadySeconds',
  'observedGeneration',
])

let loaded: protobuf.Root | undefined
const schema = (): protobuf.Root => {
  loaded ??= protobuf.Root.fromJSON(kubernetesProtobuf as protobuf.INamespace)
  return loaded
}

/** Decodes a protobuf body into the object that the same client would have sent as JSON. Throws `BodyError`. */
export function decodeProtobuf(bytes: Buffer): JsonObject {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new BodyError('the body is not a Kubernetes protobuf message')
  try {
    const unknown = decoded(
      schema().lookupType('k8s.io.apimachinery.pkg.runtime.Unknown'),
      bytes.subarray(MAGIC.length),
    )
    const { apiVersion = '', kind = '' } = (unknown.typeMeta ?? {}) as { apiVersion?: string; kind?: string }
    const type = schema().lookupType(typeNameOf(apiVersion, kind))
    const object = objectOf(type, decoded(type, (unknown.raw ?? new Uint8Array()) as Uint8Array))
    const value: JsonObject = { apiVersion, kind, ...object }
    checkShape(value)
    return value
  } catch (error) {
    if (error instanceof BodyError) throw error
    throw new BodyError(`the body is not a valid protobuf message: ${(error as Error).message}`)
  }
}

type Fields = { readonly [name: string]: unknown }

const decoded = (type: protobuf.Type, bytes: Uint8Array): Fields => type.decode(bytes) as unknown as Fields

function typeNameOf(apiVersion: string, kind: string): string {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  if (kind.endsWith('Options') && !kind.startsWith('Pod') && kind !== 'NodeProxyOptions') return `${META}.${kind}`
  if (group === 'apiextensions.k8s.io')
    return `k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.${version}.${kind}`
  if (group === 'meta.k8s.io') return `${META}.${kind}`
  return `k8s.io.api.${group === '' ? 'core' : group!.split('.')[0]}.${version}.${kind}`
}

function objectOf(type: protobuf.Type, message: Fields): JsonObject {
  const object: { [name: string]: JsonValue } = {}
  for (const field of type.fieldsArray) {
    if (!Object.hasOwn(message, field.name)) continue
    const raw = message[field.name]
    if (raw === null || raw === undefined) continue
    if (EMBEDDED.has(field.name)) {
      Object.assign(object, objectOf(field.resolve().resolvedType as protobuf.Type, raw as Fields))
      continue
    }
    const value = fieldValue(field.resolve(), raw)
    if (value !== undefined) object[RENAMED.get(field.name) ?? field.name] = value
  }
  return object
}

function fieldValue(field: protobuf.Field, raw: unknown): JsonValue | undefined {
  if (field instanceof protobuf.MapField) {
    const entries = Object.entries(raw as Fields).map(([key, value]) => [key, single(field, value) ?? ''] as const)
    return entries.length > 0 ? Object.fromEntries(entries) : undefined
  }
  if (field.repeated) {
    const items = (raw as readonly unknown[]).map(item => single(field, item) ?? null)
    return items.length > 0 ? items : undefined
  }
  const value = single(field, raw)
  if (value === '' && !EMPTY_TEXT_KEPT.has(field.name)) return undefined
  if ((value === 0 || value === false) && ZERO_DROPPED.has(field.name)) return undefined
  return value
}

function single(field: protobuf.Field, raw: unknown): JsonValue | undefined {
  if (field.resolvedType instanceof protobuf.Type) return messageValue(field.resolvedType, raw as Fields)
  if (field.type === 'bytes') return Buffer.from(raw as Uint8Array).toString('base64')
  if (typeof raw === 'object') return Number(String(raw)) // A 64-bit number.
  return raw as JsonValue
}

/** Messages that JSON writes in a form of their own. */
function messageValue(type: protobuf.Type, message: Fields): JsonValue | undefined {
  switch (type.name) {
    case 'Time':
    case 'MicroTime':
    case 'Timestamp':
      return timeValue(type.name, message)
    case 'IntOrString':
      return Number(message.type ?? 0) === 1 ? String(message.strVal ?? '') : Number(message.intVal ?? 0)
    case 'Quantity':
      return String(message.string ?? '0')
    case 'Duration':
      return `${Number(String(message.duration ?? 0)) / 1e9}s`
    case 'RawExtension':
    case 'JSON':
      return embeddedJson(message.raw)
    case 'FieldsV1':
      return embeddedJson(message.Raw)
    case 'Verbs':
    case 'ExtraValue':
      return [...((message.items ?? []) as string[])]
    case 'JSONSchemaPropsOrBool':
      return message.schema ? nested(type, 'schema', message.schema) : Boolean(message.allows)
    case 'JSONSchemaPropsOrArray':
      return message.schema ? nested(type, 'schema', message.schema) : arrayOf(type, 'jSONSchemas', message)
    case 'JSONSchemaPropsOrStringArray':
      return message.schema ? nested(type, 'schema', message.schema) : [...((message.property ?? []) as string[])]
    default:
      return objectOf(type, message)
  }
}

const nested = (type: protobuf.Type, field: string, message: unknown): JsonObject =>
  objectOf(type.fields[field]!.resolve().resolvedType as protobuf.Type, message as Fields)

const arrayOf = (type: protobuf.Type, field: string, message: Fields): JsonValue =>
  ((message[field] ?? []) as readonly unknown[]).map(item => nested(type, field, item))

/** The zero time is how Go writes "no time". */
function timeValue(name: string, message: Fields): string | undefined {
  const seconds = Number(String(message.seconds ?? 0))
  const nanos = Number(message.nanos ?? 0)
  if (seconds === 0 && nanos === 0) return undefined
  const time = new Date(seconds * 1000)
  if (name !== 'MicroTime') return timeText(time)
  return `${timeText(time).slice(0, -1)}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`
}

function embeddedJson(bytes: unknown): JsonValue | undefined {
  const raw = Buffer.from((bytes ?? []) as Uint8Array)
  return raw.length === 0 ? undefined : (JSON.parse(raw.toString('utf8')) as JsonValue)
}
