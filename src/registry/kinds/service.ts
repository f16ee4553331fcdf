import { Service } from '../../api/core-v1/types.ts'
import { type AddressRange, addressNumberOf } from '../../machinery/address-range.ts'
import { type FieldError, forbidden, invalid, required } from '../../machinery/field-error.ts'
import { dns1035LabelProblems, dnsLabelProblems, dnsSubdomainProblems } from '../../machinery/names.ts'
import type { Draft } from '../draft.ts'
import { defineKind, type KindDefinition } from '../kind-definition.ts'
import { type PortRange, releaseService, reserveForService } from '../services/service-allocation.ts'
import { age, labelsText, text, wide } from '../tables/columns.ts'
import { labelErrors } from '../write/validate-metadata.ts'
import { duplicates, oneOf, portNumber, wellFormed } from './field-rules.ts'

const STICKY_SECONDS = 10_800
const STICKY_SECONDS_MAX = 86_400

/** Services, with addresses and ports from these ranges. */
export const servicesWith = (ranges: { readonly range: AddressRange; readonly portRange: PortRange }): KindDefinition =>
  defineKind(Service, {
    defaults: defaultService,
    prepareForCreate: fillFamilies,
    prepareForUpdate(service, old) {
      keepAllocated(service, old)
      fillFamilies(service)
    },
    nameProblems: dns1035LabelProblems,
    validate: serviceErrors,
    validateUpdate: serviceUpdateErrors,
    reserve: (service, old, scope) => reserveForService(service, old, { scope, ...ranges }),
    release: releaseService,
    returnsDeletedObject: true,
    createsOnUpdate: true,
    selectableFields: { 'spec.clusterIP': ({ spec }) => spec?.clusterIP, 'spec.type': ({ spec }) => spec?.type },
    columns: [
      text('Type', ({ spec }) => spec?.type ?? ''),
      text('Cluster-IP', ({ spec }) => spec?.clusterIPs?.[0] || spec?.clusterIP || '<none>'),
      text('External-IP', externalText),
      text('Port(s)', portsText),
      age,
      wide(text('Selector', ({ spec }) => labelsText(spec?.selector))),
    ],
  })

function defaultService({ spec }: Draft<Service>): void {
  if (!spec) return
  spec.sessionAffinity ??= 'None'
  spec.type ??= 'ClusterIP'
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  else {
    spec.sessionAffinityConfig ??= {}
    spec.sessionAffinityConfig.clientIP ??= {}
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= STICKY_SECONDS
  }
  for (const port of spec.ports ?? []) {
    port.protocol ??= 'TCP'
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port
  }
  const isReachedFromOutside = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  if (isReachedFromOutside) spec.externalTrafficPolicy ??= 'Cluster'
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true
}

/** One family of addresses is served; the two fields for the first address say the same. */
function fillFamilies({ spec }: Draft<Service>): void {
  if (!spec) return
  if (spec.type === 'ExternalName') {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const) delete spec[field]
    return
  }
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP]
  else if (!spec.clusterIP && spec.clusterIPs?.[0]) spec.clusterIP = spec.clusterIPs[0]
  spec.ipFamilyPolicy ??= 'SingleStack'
  if (!spec.ipFamilies?.length) spec.ipFamilies = ['IPv4']
}

/** A client that did not know what was allocated does not mean to change it. */
function keepAllocated({ spec }: Draft<Service>, old: Service): void {
  if (!spec || !old.spec || spec.type === 'ExternalName' || old.spec.type === 'ExternalName') return
  if (!spec.clusterIP && !spec.clusterIPs?.length) {
    if (old.spec.clusterIP) spec.clusterIP = old.spec.clusterIP
    if (old.spec.clusterIPs) spec.clusterIPs = [...old.spec.clusterIPs]
  }
  const needsPorts = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  const hadPorts = old.spec.type === 'NodePort' || old.spec.type === 'LoadBalancer'
  for (const port of spec.ports ?? []) {
    const before = old.spec.ports?.find(other => other.port === port.port && other.protocol === port.protocol)
    if (needsPorts && hadPorts && !port.nodePort && before?.nodePort) port.nodePort = before.nodePort
    // Changing back to ClusterIP gives the ports up, unless they were asked for anew.
    if (!needsPorts && hadPorts && port.nodePort === before?.nodePort) delete port.nodePort
  }
}

function serviceErrors({ spec }: Service): readonly FieldError[] {
  const { ports = [], type, clusterIP, clusterIPs, sessionAffinity } = spec ?? {}
  const errors: FieldError[] = []
  const isHeadless = clusterIP === 'None' || clusterIPs?.[0] === 'None'
  if (ports.length === 0 && !isHeadless && type !== 'ExternalName') errors.push(required('spec.ports'))
  if (type === 'ExternalName') {
    if (!spec?.externalName) errors.push(required('spec.externalName'))
    else
      errors.push(
        ...wellFormed(spec.externalName.replace(/\.$/, ''), {
          path: 'spec.externalName',
          problems: dnsSubdomainProblems,
        }),
      )
  }
  if (isHeadless && (type === 'NodePort' || type === 'LoadBalancer')) {
    errors.push(invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`))
  }
  if (clusterIP && clusterIP !== 'None' && addressNumberOf(clusterIP) === undefined) {
    errors.push(
      invalid('spec.clusterIPs[0]', clusterIP, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'),
    )
  }
  if (clusterIPs?.[0] !== undefined && clusterIP !== clusterIPs[0]) {
    errors.push(invalid('spec.clusterIPs', clusterIPs, 'first value must match `clusterIP`'))
  }
  if (spec?.ipFamilyPolicy === 'RequireDualStack') {
    errors.push(
      invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'),
    )
  }
  spec?.ipFamilies?.forEach((family, index) => {
    if (family !== 'IPv4') errors.push(invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'))
  })
  const seconds = spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds
  if (sessionAffinity === 'ClientIP' && seconds !== undefined && (seconds <= 0 || seconds > STICKY_SECONDS_MAX)) {
    errors.push(
      invalid(
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
        seconds,
        `must be greater than 0 and less than ${STICKY_SECONDS_MAX}`,
      ),
    )
  }
  return [
    ...errors,
    ...oneOf(type, { path: 'spec.type', choices: ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'] }),
    ...oneOf(sessionAffinity, { path: 'spec.sessionAffinity', choices: ['ClientIP', 'None'] }),
    ...labelErrors(spec?.selector, 'spec.selector'),
    ...portsErrors(spec),
  ]
}

function portsErrors(spec: Service['spec']): readonly FieldError[] {
  const ports = spec?.ports ?? []
  const errors = ports.flatMap((port, index) => {
    const path = `spec.ports[${index}]`
    const found: FieldError[] = []
    if (!port.name) {
      if (ports.length > 1) found.push(required(`${path}.name`))
    } else found.push(...wellFormed(port.name, { path: `${path}.name`, problems: dnsLabelProblems }))
    found.push(...portNumber(port.port ?? 0, `${path}.port`))
    found.push(...oneOf(port.protocol, { path: `${path}.protocol`, choices: ['SCTP', 'TCP', 'UDP'] }))
    if (typeof port.targetPort === 'number') found.push(...portNumber(port.targetPort, `${path}.targetPort`))
    if (port.nodePort && (spec?.type === 'ClusterIP' || spec?.type === 'ExternalName')) {
      found.push(forbidden(`${path}.nodePort`, `may not be used when \`type\` is '${spec.type}'`))
    }
    return found
  })
  return [
    ...errors,
    ...duplicates(ports, { nameOf: ({ name }) => name, pathOf: index => `spec.ports[${index}].name` }),
    ...duplicates(ports, {
      nameOf: ({ port, protocol }) => `${protocol}/${port}`,
      pathOf: index => `spec.ports[${index}]`,
    }),
  ]
}

/** An address, once given, belongs to the Service while it has one. */
function serviceUpdateErrors({ spec }: Service, old: Service): readonly FieldError[] {
  const before = old.spec?.clusterIPs?.[0] ?? old.spec?.clusterIP
  const now = spec?.clusterIPs?.[0] ?? spec?.clusterIP
  if (!before || !now || before === now) return []
  if (spec?.type === 'ExternalName' || old.spec?.type === 'ExternalName') return []
  return [invalid('spec.clusterIPs[0]', spec?.clusterIPs ?? [now], 'may not change once set')]
}

function externalText({ spec, status }: Service): string {
  const own = spec?.externalIPs ?? []
  switch (spec?.type) {
    case 'LoadBalancer': {
      const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '')
      return [...ingress, ...own].filter(item => item !== '').join(',') || '<pending>'
    }
    case 'ExternalName':
      return spec.externalName ?? ''
    default:
      return own.join(',') || '<none>'
  }
}

const portsText = ({ spec }: Service): string =>
  (spec?.ports ?? [])
    .map(({ port, nodePort, protocol = 'TCP' }) =>
      nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
    )
    .join(',') || '<none>'
