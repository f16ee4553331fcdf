import type {
  Container,
  ContainerPort,
  EnvVar,
  Lifecycle,
  Probe,
  ResourceRequirements,
  Volume,
} from '../../api/core-v1/types.ts'
import { duplicate, type FieldError, forbidden, invalid, notFoundValue, required } from '../../machinery/field-error.ts'
import { dnsLabelProblems, portNameProblems, qualifiedNameProblems } from '../../machinery/names.ts'
import { compareQuantities } from '../../machinery/quantity.ts'
import { duplicates, notNegative, oneOf, portNumber, wellFormed } from './field-rules.ts'

interface ContainerScope {
  readonly path: string
  readonly volumes: readonly Volume[]
  readonly isInit: boolean
  readonly hostNetwork: boolean
}

/** The rules of one container. */
export function containerErrors(container: Container, scope: ContainerScope): readonly FieldError[] {
  const { path, isInit } = scope
  const errors: FieldError[] = []
  if (!container.name) errors.push(required(`${path}.name`))
  else errors.push(...wellFormed(container.name, { path: `${path}.name`, problems: dnsLabelProblems }))
  if (!container.image) errors.push(required(`${path}.image`))
  else if (container.image.trim() !== container.image) {
    errors.push(invalid(`${path}.image`, container.image, 'must not have leading or trailing whitespace'))
  }
  errors.push(
    ...oneOf(container.imagePullPolicy, {
      path: `${path}.imagePullPolicy`,
      choices: ['Always', 'IfNotPresent', 'Never'],
    }),
    ...oneOf(container.terminationMessagePolicy, {
      path: `${path}.terminationMessagePolicy`,
      choices: ['FallbackToLogsOnError', 'File'],
    }),
    ...portsErrors(container.ports ?? [], { path: `${path}.ports`, hostNetwork: scope.hostNetwork }),
    ...envErrors(container.env ?? [], `${path}.env`),
    ...resourcesErrors(container.resources, `${path}.resources`),
    ...mountErrors(container, scope),
    ...lifecycleErrors(container.lifecycle, `${path}.lifecycle`),
  )
  const isSidecar = container.restartPolicy === 'Always'
  if (isInit && !isSidecar) errors.push(...initOnlyErrors(container, path))
  else errors.push(...probesErrors(container, path))
  return errors
}

/** An init container that ends has nothing to probe. */
function initOnlyErrors(container: Container, path: string): readonly FieldError[] {
  const why = 'may not be set for init containers without restartPolicy=Always'
  const fields = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const
  return fields.filter(field => container[field] !== undefined).map(field => forbidden(`${path}.${field}`, why))
}

function portsErrors(
  ports: readonly ContainerPort[],
  { path, hostNetwork }: { path: string; hostNetwork: boolean },
): readonly FieldError[] {
  const errors: FieldError[] = ports.flatMap((port, index) => {
    const at = `${path}[${index}]`
    const found: FieldError[] = []
    if (port.name) found.push(...wellFormed(port.name, { path: `${at}.name`, problems: portNameProblems }))
    if (!port.containerPort) found.push(required(`${at}.containerPort`))
    else found.push(...portNumber(port.containerPort, `${at}.containerPort`))
    if (port.hostPort) found.push(...portNumber(port.hostPort, `${at}.hostPort`))
    if (hostNetwork && port.hostPort && port.hostPort !== port.containerPort) {
      found.push(invalid(`${at}.hostPort`, port.hostPort, 'must match `containerPort` when `hostNetwork` is true'))
    }
    if (!port.protocol) found.push(required(`${at}.protocol`))
    else found.push(...oneOf(port.protocol, { path: `${at}.protocol`, choices: ['SCTP', 'TCP', 'UDP'] }))
    return found
  })
  return [...errors, ...duplicates(ports, { nameOf: ({ name }) => name, pathOf: index => `${path}[${index}].name` })]
}

const ENV_NAME = /^[ -<>-~]+$/

function envErrors(env: readonly EnvVar[], path: string): readonly FieldError[] {
  return env.flatMap(({ name, value, valueFrom }, index) => {
    const at = `${path}[${index}]`
    const errors: FieldError[] = []
    if (!name) errors.push(required(`${at}.name`))
    else if (!ENV_NAME.test(name)) {
      errors.push(
        invalid(
          `${at}.name`,
          name,
          `a valid environment variable name must consist only of printable ASCII characters other than '='`,
        ),
      )
    }
    if (!valueFrom) return errors
    const sources = Object.values(valueFrom).filter(source => source !== undefined).length
    if (sources === 0) {
      errors.push(
        invalid(
          `${at}.valueFrom`,
          '',
          'must specify one of: `configMapKeyRef`, `fieldRef`, `fileKeyRef`, `resourceFieldRef` or `secretKeyRef`',
        ),
      )
    } else if (value) errors.push(invalid(`${at}.valueFrom`, '', 'may not be specified when `value` is not empty'))
    if (sources > 1) errors.push(invalid(`${at}.valueFrom`, '', 'may not have more than one field specified at a time'))
    const { fieldRef } = valueFrom
    if (fieldRef && !fieldRef.fieldPath) errors.push(required(`${at}.valueFrom.fieldRef.fieldPath`))
    return errors
  })
}

/** Requests and limits: not negative, and no request above its limit. */
function resourcesErrors(resources: ResourceRequirements | undefined, path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  for (const side of ['limits', 'requests'] as const) {
    for (const [name, amount] of Object.entries(resources?.[side] ?? {})) {
      errors.push(...wellFormed(name, { path: `${path}.${side}`, problems: qualifiedNameProblems }))
      if (compareQuantities(amount, '0') < 0) {
        errors.push(invalid(`${path}.${side}[${name}]`, amount, 'must be greater than or equal to 0'))
      }
    }
  }
  for (const [name, request] of Object.entries(resources?.requests ?? {})) {
    const limit = resources?.limits?.[name]
    if (limit !== undefined && compareQuantities(request, limit) > 0) {
      errors.push(invalid(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`))
    }
  }
  return errors
}

function mountErrors(
  { volumeMounts = [], volumeDevices = [] }: Container,
  { path, volumes }: ContainerScope,
): readonly FieldError[] {
  const names = new Set(volumes.map(({ name }) => name))
  const errors: FieldError[] = []
  const paths = new Set<string>()
  volumeMounts.forEach(({ name, mountPath, subPath, subPathExpr }, index) => {
    const at = `${path}.volumeMounts[${index}]`
    if (!name) errors.push(required(`${at}.name`))
    else if (!names.has(name)) errors.push(notFoundValue(`${at}.name`, name))
    if (!mountPath) errors.push(required(`${at}.mountPath`))
    if (mountPath && paths.has(mountPath)) errors.push(invalid(`${at}.mountPath`, mountPath, 'must be unique'))
    paths.add(mountPath)
    if (subPath && (subPath.startsWith('/') || subPath.split('/').includes('..'))) {
      errors.push(
        invalid(
          `${at}.subPath`,
          subPath,
          subPath.startsWith('/') ? 'must be a relative path' : "must not contain '..'",
        ),
      )
    }
    if (subPath && subPathExpr)
      errors.push(invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
  })
  volumeDevices.forEach(({ name, devicePath }, index) => {
    const at = `${path}.volumeDevices[${index}]`
    if (!name) errors.push(required(`${at}.name`))
    else if (!names.has(name)) errors.push(notFoundValue(`${at}.name`, name))
    if (!devicePath) errors.push(required(`${at}.devicePath`))
  })
  return errors
}

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const
type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & {
  readonly sleep?: { readonly seconds: number }
}

function probesErrors(container: Container, path: string): readonly FieldError[] {
  return (['livenessProbe', 'readinessProbe', 'startupProbe'] as const).flatMap(name => {
    const probe = container[name]
    if (!probe) return []
    const at = `${path}.${name}`
    const errors = [
      ...handlerErrors(probe, at),
      ...(
        ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const
      ).flatMap(field => notNegative(probe[field], `${at}.${field}`)),
    ]
    if (probe.terminationGracePeriodSeconds !== undefined && probe.terminationGracePeriodSeconds <= 0) {
      errors.push(
        invalid(`${at}.terminationGracePeriodSeconds`, probe.terminationGracePeriodSeconds, 'must be greater than 0'),
      )
    }
    if (name !== 'readinessProbe' && probe.successThreshold !== undefined && probe.successThreshold !== 1) {
      errors.push(invalid(`${at}.successThreshold`, probe.successThreshold, 'must be 1'))
    }
    return errors
  })
}

const lifecycleErrors = (lifecycle: Lifecycle | undefined, path: string): readonly FieldError[] =>
  (['postStart', 'preStop'] as const).flatMap(name => {
    const handler = lifecycle?.[name]
    return handler ? handlerErrors(handler as Handler, `${path}.${name}`) : []
  })

function handlerErrors(handler: Handler, path: string): readonly FieldError[] {
  const chosen = HANDLERS.filter(name => handler[name] !== undefined)
  if (chosen.length === 0) return [required(path, 'must specify a handler type')]
  const errors: FieldError[] = chosen
    .slice(1)
    .map(name => forbidden(`${path}.${name}`, 'may not specify more than 1 handler type'))
  if (handler.exec && !handler.exec.command?.length) errors.push(required(`${path}.exec.command`))
  if (handler.httpGet) {
    errors.push(...portErrors(handler.httpGet.port, `${path}.httpGet.port`))
    errors.push(...oneOf(handler.httpGet.scheme, { path: `${path}.httpGet.scheme`, choices: ['HTTP', 'HTTPS'] }))
  }
  if (handler.tcpSocket) errors.push(...portErrors(handler.tcpSocket.port, `${path}.tcpSocket.port`))
  if (handler.grpc) errors.push(...portNumber(handler.grpc.port, `${path}.grpc.port`))
  return errors
}

const portErrors = (port: number | string | undefined, path: string): readonly FieldError[] =>
  typeof port === 'string' ? wellFormed(port, { path, problems: portNameProblems }) : portNumber(port ?? 0, path)

/** Names are unique among all containers of a Pod. */
export function containerNameErrors(
  groups: readonly { readonly path: string; readonly containers: readonly { readonly name: string }[] }[],
): readonly FieldError[] {
  const seen = new Set<string>()
  return groups.flatMap(({ path, containers }) =>
    containers.flatMap(({ name }, index) => {
      if (!name) return []
      if (seen.has(name)) return [duplicate(`${path}[${index}].name`, name)]
      seen.add(name)
      return []
    }),
  )
}
