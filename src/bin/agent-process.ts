import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Node } from '../api/core-v1/types.ts'
import type { CommandContext } from '../cli/commands/command-context.ts'
import type { AgentConfig } from '../cli/config/agent-settings.ts'
import { claimDataDirectory } from '../cli/host/cluster-stamp.ts'
import { dataLayoutOf } from '../cli/host/data-layout.ts'
import { checkMachine, requireRoot } from '../cli/host/preflight.ts'
import { replaceFile } from '../cli/host/replace-file.ts'
import { CommandError, reasonOf } from '../cli/terminal.ts'
import { apiClient } from '../client/api-client.ts'
import { HttpsTransport } from '../client/https-transport.ts'
import type { Logger } from '../machinery/logger.ts'
import { systemClock as clock } from '../machinery/system-clock.ts'
import { type KeyPair, needsRenewal } from '../server/pki/certificate.ts'
import { ComponentClients } from './component-clients.ts'
import { authorityHashOf, parseJoinToken } from './join/join-token.ts'
import { pinnedAuthority } from './join/pinned-authority.ts'
import { requestNodeCertificate } from './join/request-certificate.ts'
import { machineLayoutOf } from './machine-side/machine-layout.ts'
import { runMachine } from './machine-side/run-machine.ts'
import { processLogger } from './process-logger.ts'
import { endSignal, Farewell } from './run-until-signal.ts'
import { hostAddresses, hostName } from './server-side/host-addresses.ts'

/** `holdfast agent`: this machine as part of a cluster. Joins with a token the first time, later with what it got then. */
export async function runAgentProcess(options: AgentConfig, context: CommandContext): Promise<void> {
  requireRoot(context.userId)
  await checkMachine({ ...options, path: context.environment.PATH ?? '' })
  claimDataDirectory(dataLayoutOf(options.dataDir).stamp, context.version)
  const farewell = new Farewell()
  const ending = endSignal(farewell)
  const logger = processLogger(options.logLevel)
  const nodeName = options.nodeName ?? hostName()
  const addresses = options.nodeIp ? [options.nodeIp] : hostAddresses()
  const identity = await identityOf(options, { nodeName, logger })
  await using transport = new HttpsTransport({
    server: options.server,
    certificateAuthority: identity.authority,
    clientCertificate: identity.client,
  })
  await using clients = new ComponentClients(() => transport, logger)
  const machine = {
    nodeName,
    dataDir: options.dataDir,
    addresses,
    labels: labelsFrom(options.label),
    taints: options.taint.map(taintFrom),
    clusterDns: options.clusterDns,
    clusterDomain: options.clusterDomain,
    podRange: options.podCidr,
    serviceRange: options.serviceCidr,
    criEndpoint: options.criEndpoint,
    registryMirrors: options.registryMirror,
    shutdownGraceSeconds: options.shutdownGrace,
    farewell,
    authority: identity.authority,
    servingCertificate: () =>
      servingCertificate(clients, { nodeName, addresses, folder: machineLayoutOf(options.dataDir).certificates }),
  }
  await runMachine(machine, clients, logger.child({ node: nodeName }), ending)
}

interface Identity {
  readonly authority: string
  readonly client: KeyPair
}

/** Certificates of this machine: those on disk while they are good, else new ones, asked for with the token or the old one. */
async function identityOf(
  options: AgentConfig,
  { nodeName, logger }: { nodeName: string; logger: Logger },
): Promise<Identity> {
  const folder = machineLayoutOf(options.dataDir).certificates
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const known = read(folder, 'client')
  const authority = existsSync(join(folder, 'ca.crt'))
    ? readFileSync(join(folder, 'ca.crt'), 'utf8')
    : await authorityFrom(options)
  refuseOtherCluster(authority, options)
  replaceFile(join(folder, 'ca.crt'), authority)
  if (known && !needsRenewal(known.certificate, clock)) return { authority, client: known }
  logger.info({ server: options.server }, 'asking for a certificate')
  const credentials = known ? { clientCertificate: known } : { token: () => parseJoinToken(tokenOf(options)).bootstrap }
  await using bootstrap = new HttpsTransport({
    server: options.server,
    certificateAuthority: authority,
    ...credentials,
  })
  const client = await requestNodeCertificate(apiClient(bootstrap), { nodeName, usage: 'client' })
  write(folder, 'client', client)
  return { authority, client }
}

/** Certified once the Node is there with these addresses: that is what the cluster checks before it signs. */
async function servingCertificate(
  clients: ComponentClients,
  { nodeName, addresses, folder }: { nodeName: string; addresses: readonly string[]; folder: string },
): Promise<KeyPair> {
  const known = read(folder, 'serving')
  if (known && !needsRenewal(known.certificate, clock)) return known
  const nodes = clients.informers.informer(Node)
  const { promise, resolve } = Promise.withResolvers<void>()
  using _subscription = nodes.subscribe(({ object: { metadata, status } }) => {
    if (metadata.name === nodeName && status.addresses?.length) resolve()
  })
  await promise
  const request = { nodeName, usage: 'server', dnsNames: [nodeName], ipAddresses: addresses } as const
  const serving = await requestNodeCertificate(clients.client('kubelet'), request)
  write(folder, 'serving', serving)
  return serving
}

/** A token names its cluster, and so does what the machine got when it joined. */
function refuseOtherCluster(authority: string, options: AgentConfig): void {
  if (!options.token && !options.tokenFile) return
  if (parseJoinToken(tokenOf(options)).authorityHash === authorityHashOf(new X509Certificate(authority).raw)) return
  throw new CommandError(`${options.dataDir} is of a machine of another cluster than the token's`, {
    advice: 'Choose another --data-dir, or remove this one once nothing in it is needed any more.',
  })
}

const authorityFrom = (options: AgentConfig): Promise<string> =>
  pinnedAuthority(new URL(options.server), parseJoinToken(tokenOf(options)).authorityHash)

function tokenOf({ token, tokenFile }: AgentConfig): string {
  if (token) return token
  if (tokenFile) {
    try {
      return readFileSync(tokenFile, 'utf8')
    } catch (cause) {
      throw new CommandError(`cannot read the token in ${tokenFile}: ${reasonOf(cause)}`, { cause })
    }
  }
  throw new CommandError('this machine has not joined yet, and there is no token', {
    advice: 'Make one on a server with "holdfast token", and say --token TOKEN or --token-file FILE.',
  })
}

function read(folder: string, name: string): KeyPair | undefined {
  const [certificate, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
  if (!existsSync(certificate) || !existsSync(key)) return undefined
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
}

function write(folder: string, name: string, { certificate, key }: KeyPair): void {
  replaceFile(join(folder, `${name}.key`), key)
  replaceFile(join(folder, `${name}.crt`), certificate)
}

const labelsFrom = (labels: readonly string[]): Record<string, string> =>
  Object.fromEntries(labels.map(label => [label.split('=')[0]!, label.split('=').slice(1).join('=')]))

/** Its form was checked with the other settings. */
function taintFrom(text: string): { key: string; value?: string; effect: string } {
  const [, key = '', value, effect = ''] = /^([^=:]+)(?:=([^:]*))?:(.*)$/.exec(text) ?? []
  return { key, effect, ...(value && { value }) }
}
