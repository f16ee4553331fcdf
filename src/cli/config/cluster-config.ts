import { addressRangeOf, addressTextOf } from '../../machinery/address-range.ts'
import { CommandError } from '../terminal.ts'
import { type AgentConfig, agentSettings } from './agent-settings.ts'
import { variableOf } from './setting.ts'
import { type ClusterConfig, clusterSettings } from './settings.ts'
import { type ConfigSources, valuesFrom } from './values-from.ts'

/** By kubeadm's habit: `10.96.0.10` of the range `10.96.0.0/12`. */
const DNS_OFFSET = 10

/** Throws a `CommandError` that names what is wrong and where. */
export function clusterConfigFrom(sources: ConfigSources): ClusterConfig {
  return withDns(valuesFrom(clusterSettings, sources))
}

/** The same for a machine that joins. */
export function agentConfigFrom(sources: ConfigSources): AgentConfig {
  const values = valuesFrom(agentSettings, sources)
  const { server } = values
  if (!server) {
    throw new CommandError('nobody said which server to join', {
      advice: `For example: --server https://10.0.0.1:6443, or ${variableOf(agentSettings.server)}.`,
    })
  }
  return withDns({ ...values, server })
}

interface Ranges {
  readonly podCidr: string
  readonly serviceCidr: string
  readonly clusterDns: string | undefined
}

/** Ranges that cannot go together are refused, as their Pods would find nobody. */
function withDns<Values extends Ranges>(values: Values): Values & { readonly clusterDns: string } {
  const { podCidr, serviceCidr, clusterDns: chosen } = values
  const [pods, services] = [addressRangeOf(podCidr), addressRangeOf(serviceCidr)]
  const doOverlap = services.includes(addressTextOf(pods.first)) || pods.includes(addressTextOf(services.first))
  if (doOverlap) throw new CommandError(`the ranges of Pods (${podCidr}) and of Services (${serviceCidr}) overlap`)
  if (services.size <= DNS_OFFSET) throw new CommandError(`--service-cidr: ${serviceCidr} is too small for Services`)
  const clusterDns = chosen ?? dnsAddressIn(serviceCidr)
  if (!services.includes(clusterDns)) {
    throw new CommandError(`--cluster-dns: ${clusterDns} is not in the range of Services, ${serviceCidr}`)
  }
  return { ...values, clusterDns }
}

/** Where the cluster DNS is unless it is put elsewhere. */
export const dnsAddressIn = (serviceRange: string): string =>
  addressTextOf(addressRangeOf(serviceRange).first + DNS_OFFSET)

const ownVariables = new Set(
  [...Object.values(clusterSettings), ...Object.values(agentSettings)].map(variableOf).concat('HOLDFAST_CONFIG'),
)

/** The environment for processes that are told everything by flags and files: our own variables would say it otherwise. */
export const withoutSettings = (
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !ownVariables.has(name)))
