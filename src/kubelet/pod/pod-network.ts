import type { Pod } from '../../api/core-v1/types.ts'
import type { PortMapping, ResolverConfig } from '../doors.ts'
import { containersOf } from './pod-view.ts'

const HOSTNAME_LENGTH_MAX = 63

/** The host name inside a Pod, and its domain when a `subdomain` gives it one. */
export function hostnameOf(
  pod: Pod,
  { nodeHostname, clusterDomain }: { nodeHostname: string; clusterDomain: string },
): string {
  const { spec } = pod
  if (spec.hostnameOverride) return spec.hostnameOverride
  if (spec.hostNetwork) return nodeHostname
  const short = shortHostnameOf(pod)
  const domain = domainOf(pod, clusterDomain)
  return spec.setHostnameAsFQDN && domain ? `${short}.${domain}` : short
}

/** Longer names are cut, and do not end in a dash or dot. */
const shortHostnameOf = ({ metadata, spec }: Pod): string =>
  (spec.hostname || metadata.name).slice(0, HOSTNAME_LENGTH_MAX).replace(/[-.]+$/, '')

const domainOf = ({ metadata, spec }: Pod, clusterDomain: string): string | undefined =>
  spec.subdomain ? `${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}` : undefined

const SEARCHES_MAX = 32
const SERVERS_MAX = 3

/** What /etc/resolv.conf of the Pod says (`dnsPolicy`, `dnsConfig`). Undefined: as the runtime does without being told. */
export function resolverOf(
  { metadata, spec }: Pod,
  options: { clusterDns: readonly string[]; clusterDomain: string; machine: ResolverConfig },
): ResolverConfig {
  const { clusterDns, clusterDomain, machine } = options
  const policy = spec.dnsPolicy ?? 'ClusterFirst'
  const usesCluster =
    clusterDns.length > 0 && (policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !spec.hostNetwork))
  let base: ResolverConfig = { servers: [], searches: [], options: [] }
  if (usesCluster) {
    const domains = [`${metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain]
    base = { servers: clusterDns, searches: unique([...domains, ...machine.searches]), options: ['ndots:5'] }
  } else if (policy !== 'None') base = machine
  return merged(base, spec.dnsConfig)
}

function merged(base: ResolverConfig, own: Pod['spec']['dnsConfig']): ResolverConfig {
  const given = new Map(base.options.map(option => [option.split(':')[0]!, option]))
  for (const { name = '', value } of own?.options ?? [])
    given.set(name, value === undefined ? name : `${name}:${value}`)
  return {
    servers: unique([...base.servers, ...(own?.nameservers ?? [])]).slice(0, SERVERS_MAX),
    searches: unique([...base.searches, ...(own?.searches ?? [])]).slice(0, SEARCHES_MAX),
    options: [...given.values()],
  }
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)]

/** /etc/hosts of a Pod with a network of its own. */
export function hostsFileOf(
  pod: Pod,
  { addresses, clusterDomain }: { addresses: readonly string[]; clusterDomain: string },
): string {
  const short = shortHostnameOf(pod)
  const domain = domainOf(pod, clusterDomain)
  const names = domain ? `${short}.${domain}\t${short}` : short
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...addresses.map(address => `${address}\t${names}`),
  ]
  return `${lines.join('\n')}\n${aliasLinesOf(pod)}`
}

export function aliasLinesOf({ spec }: Pod): string {
  const { hostAliases = [] } = spec
  if (hostAliases.length === 0) return ''
  const lines = hostAliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`)
  return `\n# Entries added by HostAliases.\n${lines.join('\n')}\n`
}

export const portMappingsOf = (pod: Pod): readonly PortMapping[] =>
  pod.spec.hostNetwork
    ? []
    : containersOf(pod).flatMap(({ container }) =>
        (container.ports ?? [])
          .filter(({ hostPort }) => hostPort)
          .map(({ containerPort, hostPort, hostIP, protocol }) => ({
            protocol: protocol ?? 'TCP',
            containerPort,
            hostPort: hostPort!,
            hostIp: hostIP ?? '',
          })),
      )
