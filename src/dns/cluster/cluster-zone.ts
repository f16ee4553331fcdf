import type { AddressRange } from '../../machinery/address-range.ts'
import { addressOfReverseName } from '../message/address.ts'
import { type DomainName, type Question, Rcode, RecordType, type ResourceRecord } from '../message/message.ts'
import { foldedName } from '../message/name.ts'
import { nsRecord, ptrRecord, soaRecord, txtRecord } from '../message/resource-record.ts'
import { type Answer, serverFailure } from './answer.ts'
import type { ClusterCatalog } from './catalog.ts'
import {
  addressesFound,
  CLUSTER_TTL_SECONDS,
  endpointFound,
  type Found,
  isAsked,
  nothing,
  portsFound,
  serviceFound,
} from './found.ts'

/** The version of the Kubernetes DNS specification that these answers follow. */
const SPECIFICATION_VERSION = '1.1.0'
/** An ExternalName may lead to another; this many steps are followed, then the question fails. */
const ALIAS_STEPS_MAX = 8

export interface ClusterZoneOptions {
  readonly catalog: ClusterCatalog
  /** Default `cluster.local`. */
  readonly domain?: DomainName
  /** Where this server answers: the address of its own NS record. */
  readonly serverAddress: string
  /** Addresses that only this cluster gives out (Pods, Services): nobody else can name them, so nobody else is asked. */
  readonly ownRanges: readonly AddressRange[]
}

/** The names of the cluster, by the Kubernetes DNS specification. */
export interface ClusterZone {
  /** Undefined when the name is not the cluster's to answer. */
  answer(question: Pick<Question, 'name' | 'type'>): Answer | undefined
}

export function clusterZone(options: ClusterZoneOptions): ClusterZone {
  const { catalog, domain = 'cluster.local' } = options
  const names = new NamesOfCluster({ ...options, domain })
  const answerStep = (name: DomainName, type: number): Answer | undefined => {
    const below = relativeTo(domain, name)
    if (below) return answerFrom(domain, catalog, names.find(name, below, type))
    const address = addressOfReverseName(name)
    return address === undefined ? undefined : reverseAnswer(options, domain, { name, type, address })
  }
  return {
    answer({ name, type }) {
      if (!catalog.isSynced && isOwn(options, domain, foldedName(name))) return serverFailure
      const first = answerStep(foldedName(name), type)
      return first?.alias === undefined ? first : followed(first, type, answerStep)
    },
  }
}

function isOwn({ ownRanges }: ClusterZoneOptions, domain: DomainName, name: DomainName): boolean {
  const address = addressOfReverseName(name)
  return address === undefined
    ? relativeTo(domain, name) !== undefined
    : ownRanges.some(range => range.includes(address))
}

/** Follows an alias for as long as it stays in the cluster. */
function followed(
  first: Answer,
  type: number,
  answerStep: (name: DomainName, type: number) => Answer | undefined,
): Answer {
  let answer = first
  if (type === RecordType.CNAME || type === RecordType.ANY) return withoutAlias(answer)
  for (let step = 0; answer.alias !== undefined; step++) {
    const next = answerStep(foldedName(answer.alias), type)
    if (!next) return answer // It leads out of the cluster; whoever asked looks further.
    if (step === ALIAS_STEPS_MAX) return { ...withoutAlias(answer), rcode: Rcode.ServerFailure, answers: [] }
    answer = { ...next, answers: [...answer.answers, ...next.answers] }
  }
  return answer
}

const withoutAlias = ({ alias: _alias, ...answer }: Answer): Answer => answer

/** The labels between a name and the zone, outermost first: `web.demo.svc` gives svc, demo, web. */
function relativeTo(domain: DomainName, name: DomainName): readonly string[] | undefined {
  if (name === domain) return []
  return name.endsWith(`.${domain}`)
    ? name
        .slice(0, -domain.length - 1)
        .split('.')
        .reverse()
    : undefined
}

class NamesOfCluster {
  readonly #catalog: ClusterCatalog
  readonly #domain: DomainName
  readonly #serverAddress: string

  constructor({ catalog, domain, serverAddress }: ClusterZoneOptions & { domain: DomainName }) {
    this.#catalog = catalog
    this.#domain = domain
    this.#serverAddress = serverAddress
  }

  /** Undefined: no such name. */
  find(name: DomainName, [first, ...rest]: readonly string[], asked: number): Found | undefined {
    switch (first) {
      case undefined:
        return apexFound(this.#domain, this.#catalog, asked)
      case 'dns-version':
        return rest.length === 0 ? versionFound(name, asked) : undefined
      case 'ns':
        return rest.length === 0 ? nothing : undefined
      case 'dns':
        return this.#serverFound(name, rest, asked)
      case 'svc':
        return this.#belowServices(name, rest, asked)
      case 'pod':
        return this.#belowPods(name, rest, asked)
      default:
        return undefined
    }
  }

  #serverFound(name: DomainName, rest: readonly string[], asked: number): Found | undefined {
    if (rest.length === 0) return nothing
    return rest.length === 1 && rest[0] === 'ns' ? addressesFound(name, asked, [this.#serverAddress]) : undefined
  }

  #belowServices(name: DomainName, labels: readonly string[], asked: number): Found | undefined {
    const [namespace, service, third, fourth, ...more] = labels
    if (namespace === undefined) return nothing
    if (service === undefined) return this.#catalog.hasNamespace(namespace) ? nothing : undefined
    const entry = this.#catalog.service(namespace, service)
    if (!entry || more.length > 0) return undefined
    if (third === undefined) return serviceFound(name, asked, entry)
    if (entry.service.spec.type === 'ExternalName') return undefined
    if (!third.startsWith('_')) {
      const endpoints = entry.byLabel.get(third)
      return endpoints && fourth === undefined ? endpointFound(name, asked, endpoints) : undefined
    }
    const serviceName = `${service}.${namespace}.svc.${this.#domain}`
    const protocol = third.slice(1)
    const ports = (entry.service.spec.ports ?? []).filter(port => (port.protocol ?? 'TCP').toLowerCase() === protocol)
    if (fourth === undefined) return ports.length > 0 ? nothing : undefined
    const port = { name: fourth.slice(1), protocol }
    if (!fourth.startsWith('_') || port.name === '' || !ports.some(candidate => isAsked(candidate, port)))
      return undefined
    return asked === RecordType.SRV || asked === RecordType.ANY
      ? portsFound({ name, serviceName, entry, port })
      : nothing
  }

  /** `10-244-0-5.namespace.pod`, for Pods that are really there: a certificate for such a name must not lie. */
  #belowPods(name: DomainName, [namespace, label, ...more]: readonly string[], asked: number): Found | undefined {
    if (namespace === undefined) return nothing
    if (label === undefined) return this.#catalog.hasNamespace(namespace) ? nothing : undefined
    if (more.length > 0) return undefined
    const address = /^\d+-\d+-\d+-\d+$/.test(label) ? label.replaceAll('-', '.') : label.replaceAll('-', ':')
    return this.#catalog.hasPod(namespace, address) ? addressesFound(name, asked, [address]) : undefined
  }
}

function apexFound(domain: DomainName, catalog: ClusterCatalog, asked: number): Found {
  const records = [authorityOf(domain, domain, catalog), nsRecord(domain, CLUSTER_TTL_SECONDS, `ns.dns.${domain}`)]
  return { ...nothing, answers: records.filter(({ type }) => asked === type || asked === RecordType.ANY) }
}

const versionFound = (name: DomainName, asked: number): Found =>
  asked === RecordType.TXT || asked === RecordType.ANY
    ? { ...nothing, answers: [txtRecord(name, CLUSTER_TTL_SECONDS, [SPECIFICATION_VERSION])] }
    : nothing

/**
 * Both its own time to live and its last field are 0: nobody may remember that a name is not there, for the next event
 * may bring it. That is why a name of ours answers at once where it is usual to wait out a negative cache.
 */
const authorityOf = (zone: DomainName, domain: DomainName, { version }: ClusterCatalog): ResourceRecord =>
  soaRecord(zone, 0, {
    primary: `ns.dns.${domain}`,
    mailbox: `hostmaster.${domain}`,
    serial: version,
    refreshSeconds: 7200,
    retrySeconds: 1800,
    expireSeconds: 86_400,
    negativeTtlSeconds: 0,
  })

function answerFrom(zone: DomainName, catalog: ClusterCatalog, found: Found | undefined, domain = zone): Answer {
  const isEmpty = !found || found.answers.length === 0
  return {
    rcode: found ? Rcode.NoError : Rcode.NameError,
    authoritative: true,
    answers: found?.answers ?? [],
    authority: isEmpty ? [authorityOf(zone, domain, catalog)] : [],
    additional: found?.additional ?? [],
    ...(found?.alias !== undefined && { alias: found.alias }),
  }
}

/** Specification 2.3.3 and 2.4.3. A Pod's own name comes before any made of its address. */
function reverseAnswer(
  { catalog, ownRanges }: ClusterZoneOptions,
  domain: DomainName,
  { name, type, address }: { name: DomainName; type: number; address: string },
): Answer | undefined {
  const targets = namesOfAddress(catalog, address)
  if (targets.length === 0 && !ownRanges.some(range => range.includes(address))) return undefined
  const asksForNames = type === RecordType.PTR || type === RecordType.ANY
  const records = targets.map(target => ptrRecord(name, CLUSTER_TTL_SECONDS, `${target}.svc.${domain}`))
  const found = { ...nothing, answers: asksForNames ? records : [] }
  const zone = name.endsWith('.ip6.arpa') ? 'ip6.arpa' : 'in-addr.arpa'
  return answerFrom(zone, catalog, targets.length > 0 ? found : undefined, domain)
}

function namesOfAddress(catalog: ClusterCatalog, address: string): readonly string[] {
  const services = catalog.servicesAt(address)
  if (services.length > 0) return services.map(({ metadata }) => `${metadata.name}.${metadata.namespace}`)
  const endpoints = catalog
    .servicesBehind(address)
    .flatMap(({ service: { metadata }, byAddress }) =>
      byAddress
        .get(address)!
        .map(({ label, isNamed }) => ({ isNamed, name: `${label}.${metadata.name}.${metadata.namespace}` })),
    )
  const named = endpoints.filter(({ isNamed }) => isNamed)
  return [...new Set((named.length > 0 ? named : endpoints).map(({ name }) => name))]
}
