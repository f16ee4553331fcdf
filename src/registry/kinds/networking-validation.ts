import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressRule,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '../../api/networking-v1/types.ts'
import { type FieldError, forbidden, invalid, notSupported, required } from '../../machinery/field-error.ts'
import { addressBytesOf } from '../../machinery/ip-address.ts'
import { dns1035LabelProblems, dnsSubdomainProblems, portNameProblems } from '../../machinery/names.ts'
import { cidrErrors, oneOf, portNumber, selectorErrors, wellFormed } from './field-rules.ts'

/** The rules of an Ingress. */
export function ingressErrors({ spec }: Ingress): readonly FieldError[] {
  const errors: FieldError[] = []
  if (!spec?.defaultBackend && !spec?.rules?.length) {
    errors.push(invalid('spec', null, 'either `defaultBackend` or `rules` must be specified'))
  }
  if (spec?.defaultBackend) errors.push(...backendErrors(spec.defaultBackend, 'spec.defaultBackend'))
  if (spec?.ingressClassName) {
    errors.push(...wellFormed(spec.ingressClassName, { path: 'spec.ingressClassName', problems: dnsSubdomainProblems }))
  }
  spec?.tls?.forEach(({ hosts = [] }, index) => {
    hosts.forEach((host, at) => {
      errors.push(...hostNameErrors(host, `spec.tls[${index}].hosts[${at}]`))
    })
  })
  return [...errors, ...(spec?.rules ?? []).flatMap((rule, index) => ruleErrors(rule, `spec.rules[${index}]`))]
}

const WILDCARD = /^\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const WILDCARD_RULE =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower " +
  "case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used " +
  `for validation is '${WILDCARD.source.slice(1, -1)}')`

function hostNameErrors(host: string, path: string): readonly FieldError[] {
  if (!host.includes('*')) return wellFormed(host, { path, problems: dnsSubdomainProblems })
  return WILDCARD.test(host) ? [] : [invalid(path, host, WILDCARD_RULE)]
}

function ruleErrors({ host, http }: IngressRule, path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  if (host) {
    if (addressBytesOf(host)) errors.push(invalid(`${path}.host`, host, 'must be a DNS name, not an IP address'))
    errors.push(...hostNameErrors(host, `${path}.host`))
  }
  if (!http) return errors
  if (!http.paths?.length) errors.push(required(`${path}.http.paths`))
  return [
    ...errors,
    ...(http.paths ?? []).flatMap((one, index) => [
      ...pathErrors(one, `${path}.http.paths[${index}]`),
      ...backendErrors(one.backend, `${path}.http.paths[${index}].backend`),
    ]),
  ]
}

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix']
/** What browsers and proxies read in different ways. */
const ODD_PARTS = ['//', '/./', '/../', '%2f', '%2F']
const ODD_ENDS = ['/..', '/.']

function pathErrors({ path: value, pathType }: HTTPIngressPath, path: string): readonly FieldError[] {
  if (!pathType) return [required(`${path}.pathType`, 'pathType must be specified')]
  if (!PATH_TYPES.includes(pathType)) return [notSupported(`${path}.pathType`, pathType, PATH_TYPES)]
  const text = value ?? ''
  const isFree = pathType === 'ImplementationSpecific'
  const fail = (why: string): FieldError => invalid(`${path}.path`, text, why)
  if (!text.startsWith('/') && !(isFree && text === '')) return [fail('must be an absolute path')]
  if (isFree) return []
  return [
    ...ODD_PARTS.filter(part => text.includes(part)).map(part => fail(`must not contain '${part}'`)),
    ...ODD_ENDS.filter(end => text.endsWith(end)).map(end => fail(`cannot end with '${end}'`)),
  ]
}

function backendErrors(backend: IngressBackend | undefined, path: string): readonly FieldError[] {
  const { service, resource } = backend ?? {}
  if (service && resource) return [invalid(path, '', 'cannot set both resource and service backends')]
  if (resource) {
    return [
      ...(resource.kind ? [] : [required(`${path}.resource.kind`)]),
      ...(resource.name ? [] : [required(`${path}.resource.name`)]),
    ]
  }
  if (!service) return [required(path, 'resource or service backend is required')]
  const errors: FieldError[] = service.name
    ? [...wellFormed(service.name, { path: `${path}.service.name`, problems: dns1035LabelProblems })]
    : [required(`${path}.service.name`)]
  const { name, number } = service.port ?? {}
  if (name && number) errors.push(invalid(path, '', 'cannot set both port name & port number'))
  else if (name) errors.push(...wellFormed(name, { path: `${path}.service.port.name`, problems: portNameProblems }))
  else if (number) errors.push(...portNumber(number, `${path}.service.port.number`))
  else errors.push(required(path, 'port name or number is required'))
  return errors
}

const PROTOCOLS = ['SCTP', 'TCP', 'UDP']
const POLICY_TYPES_MAX = 2

/** The rules of a NetworkPolicy. */
export function networkPolicyErrors({ spec }: NetworkPolicy): readonly FieldError[] {
  const types = spec?.policyTypes ?? []
  const tooMany =
    types.length > POLICY_TYPES_MAX
      ? [invalid('spec.policyTypes', types, 'may not specify more than two policyTypes')]
      : []
  return [
    ...selectorErrors(spec?.podSelector, 'spec.podSelector'),
    ...(spec?.ingress ?? []).flatMap(({ ports = [], from = [] }, index) => [
      ...ports.flatMap((port, at) => policyPortErrors(port, `spec.ingress[${index}].ports[${at}]`)),
      ...from.flatMap((peer, at) => peerErrors(peer, `spec.ingress[${index}].from[${at}]`)),
    ]),
    ...(spec?.egress ?? []).flatMap(({ ports = [], to = [] }, index) => [
      ...ports.flatMap((port, at) => policyPortErrors(port, `spec.egress[${index}].ports[${at}]`)),
      ...to.flatMap((peer, at) => peerErrors(peer, `spec.egress[${index}].to[${at}]`)),
    ]),
    ...tooMany,
    ...types.flatMap((type, index) =>
      oneOf(type, { path: `spec.policyTypes[${index}]`, choices: ['Egress', 'Ingress'] }),
    ),
  ]
}

function policyPortErrors({ protocol, port, endPort }: NetworkPolicyPort, path: string): readonly FieldError[] {
  const errors: FieldError[] = [...oneOf(protocol, { path: `${path}.protocol`, choices: PROTOCOLS })]
  if (typeof port === 'number') errors.push(...portNumber(port, `${path}.port`))
  else if (port !== undefined) errors.push(...wellFormed(port, { path: `${path}.port`, problems: portNameProblems }))
  if (endPort === undefined) return errors
  const at = `${path}.endPort`
  if (port === undefined) errors.push(required(`${path}.port`, 'must be specified when endPort is specified'))
  else if (typeof port !== 'number')
    errors.push(invalid(at, endPort, 'may not specify endPort when port is non-numeric'))
  else if (endPort < port) errors.push(invalid(at, endPort, 'must be greater than or equal to `port`'))
  return [...errors, ...portNumber(endPort, at)]
}

function peerErrors(
  { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer,
  path: string,
): readonly FieldError[] {
  const errors: FieldError[] = [
    ...selectorErrors(podSelector, `${path}.podSelector`),
    ...selectorErrors(namespaceSelector, `${path}.namespaceSelector`),
  ]
  if (!podSelector && !namespaceSelector && !ipBlock) return [required(path, 'must specify a peer')]
  if (!ipBlock) return errors
  if (podSelector || namespaceSelector) errors.push(forbidden(path, 'may not specify both ipBlock and another peer'))
  if (!ipBlock.cidr) return [...errors, required(`${path}.ipBlock.cidr`)]
  return [
    ...errors,
    ...cidrErrors(ipBlock.cidr, `${path}.ipBlock.cidr`),
    ...(ipBlock.except ?? []).flatMap((range, index) => cidrErrors(range, `${path}.ipBlock.except[${index}]`)),
  ]
}
