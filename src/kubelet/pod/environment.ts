import type {
  ConfigMap,
  Container,
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  Pod,
  Secret,
  Service,
} from '../../api/core-v1/types.ts'
import type { EnvVariable } from '../doors.ts'
import { expanded } from './expansion.ts'
import { type FieldSources, fieldValueOf, resourceValueOf } from './field-values.ts'

/** Where ConfigMaps and Secrets of the Pod's namespace come from. Undefined when there is no such object. */
export interface ReferencedObjects {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>
  secret(namespace: string, name: string): Promise<Secret | undefined>
}

export interface EnvironmentInput extends FieldSources {
  readonly container: Container
  readonly objects: ReferencedObjects
  readonly services: readonly Service[]
}

/** The variables of one container; a later source overrides an earlier one of the same name. Throws what is missing. */
export async function environmentOf(input: EnvironmentInput): Promise<readonly EnvVariable[]> {
  const { pod, container } = input
  const serviceVariables = serviceVariablesOf(pod, input.services)
  const given = new Map<string, string>()
  for (const source of container.envFrom ?? []) await addAllFrom(source, input, given)
  for (const variable of container.env ?? []) {
    const value = await variableValueOf(variable, input, new Map([...serviceVariables, ...given]))
    if (value !== undefined) given.set(variable.name, value)
  }
  const merged = new Map([...serviceVariables, ...given])
  return [...merged].map(([name, value]) => ({ name, value }))
}

async function addAllFrom(source: EnvFromSource, input: EnvironmentInput, into: Map<string, string>): Promise<void> {
  const { namespace } = input.pod.metadata
  const { configMapRef, secretRef, prefix = '' } = source
  const reference = configMapRef ?? secretRef
  if (!reference?.name) return
  const data = configMapRef
    ? dataOf(await input.objects.configMap(namespace, reference.name))
    : decodedOf(await input.objects.secret(namespace, reference.name))
  if (!data && !reference.optional) {
    throw new Error(`${configMapRef ? 'configmap' : 'secret'} "${reference.name}" not found`)
  }
  for (const [key, value] of Object.entries(data ?? {})) into.set(`${prefix}${key}`, value)
}

const dataOf = (configMap: ConfigMap | undefined): Readonly<Record<string, string>> | undefined =>
  configMap && (configMap.data ?? {})

const decodedOf = (secret: Secret | undefined): Record<string, string> | undefined =>
  secret &&
  Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  )

async function variableValueOf(
  { value, valueFrom }: EnvVar,
  input: EnvironmentInput,
  known: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  return valueFrom ? sourcedValueOf(valueFrom, input) : expanded(value ?? '', known)
}

async function sourcedValueOf(source: EnvVarSource, input: EnvironmentInput): Promise<string | undefined> {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source
  if (fieldRef) return fieldValueOf(fieldRef, input)
  if (resourceFieldRef) return resourceValueOf(resourceFieldRef, input, input.container)
  if (configMapKeyRef) return configMapValueOf(configMapKeyRef, input)
  if (secretKeyRef) return secretValueOf(secretKeyRef, input)
  return ''
}

interface KeyReference {
  readonly key: string
  readonly name?: string
  readonly optional?: boolean
}

async function configMapValueOf(reference: KeyReference, input: EnvironmentInput): Promise<string | undefined> {
  const { name = '', key, optional } = reference
  const configMap = await input.objects.configMap(input.pod.metadata.namespace, name)
  const value = configMap?.data?.[key]
  if (value !== undefined || optional) return value
  if (!configMap) throw new Error(`configmap "${name}" not found`)
  throw new Error(`couldn't find key ${key} in ConfigMap ${input.pod.metadata.namespace}/${name}`)
}

async function secretValueOf(reference: KeyReference, input: EnvironmentInput): Promise<string | undefined> {
  const { name = '', key, optional } = reference
  const secret = await input.objects.secret(input.pod.metadata.namespace, name)
  const value = secret?.data?.[key]
  if (value !== undefined) return Buffer.from(value, 'base64').toString('utf8')
  if (optional) return undefined
  if (!secret) throw new Error(`secret "${name}" not found`)
  throw new Error(`couldn't find key ${key} in Secret ${input.pod.metadata.namespace}/${name}`)
}

/**
 * Variables of the Services of the Pod's namespace, and always of `default/kubernetes`, in the form that Docker links
 * had ("Discovering Services").
 */
export function serviceVariablesOf(pod: Pod, services: readonly Service[]): Map<string, string> {
  const variables = new Map<string, string>()
  const isApi = ({ metadata }: Service): boolean => metadata.namespace === 'default' && metadata.name === 'kubernetes'
  const linked = pod.spec.enableServiceLinks !== false
  const chosen = services.filter(
    service => isApi(service) || (linked && service.metadata.namespace === pod.metadata.namespace),
  )
  for (const service of chosen.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    for (const [name, value] of variablesOfService(service)) variables.set(name, value)
  }
  return variables
}

function* variablesOfService({ metadata, spec }: Service): Iterable<readonly [string, string]> {
  const { clusterIP, ports = [] } = spec
  if (!clusterIP || clusterIP === 'None' || ports.length === 0) return
  const prefix = envName(metadata.name)
  const host = clusterIP.includes(':') ? `[${clusterIP}]` : clusterIP
  yield [`${prefix}_SERVICE_HOST`, clusterIP]
  yield [`${prefix}_SERVICE_PORT`, String(ports[0]!.port)]
  for (const { name, port } of ports) if (name) yield [`${prefix}_SERVICE_PORT_${envName(name)}`, String(port)]
  for (const [index, { port, protocol = 'TCP' }] of ports.entries()) {
    const url = `${protocol.toLowerCase()}://${host}:${port}`
    const portPrefix = `${prefix}_PORT_${port}_${protocol}`
    if (index === 0) yield [`${prefix}_PORT`, url]
    yield [portPrefix, url]
    yield [`${portPrefix}_PROTO`, protocol.toLowerCase()]
    yield [`${portPrefix}_PORT`, String(port)]
    yield [`${portPrefix}_ADDR`, clusterIP]
  }
}

const envName = (name: string): string => name.toUpperCase().replace(/[-.]/g, '_')
