import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { CommandContext } from '../cli/commands/command-context.ts'
import type { ClusterConfig } from '../cli/config/settings.ts'
import { isOnEtcd } from '../cli/config/store-url.ts'
import { claimDataDirectory } from '../cli/host/cluster-stamp.ts'
import { dataLayoutOf } from '../cli/host/data-layout.ts'
import { type PlannedMachine, plannedMachines } from '../cli/host/machine-plan.ts'
import { checkServer, KUBELET_PORT, requireRoot } from '../cli/host/preflight.ts'
import { replaceFile } from '../cli/host/replace-file.ts'
import type { Client } from '../client/client.ts'
import { runWhileLeading } from '../client/leader-election.ts'
import { clusterDnsService } from '../dns/service/cluster-dns-service.ts'
import { featureGatesFrom } from '../machinery/feature-gates.ts'
import type { Logger } from '../machinery/logger.ts'
import { uuidFrom } from '../machinery/random.ts'
import { systemClock as clock } from '../machinery/system-clock.ts'
import { systemRandom as random } from '../machinery/system-random.ts'
import { loadBalancerStatus } from '../proxy/load-balancer-status.ts'
import { ComponentClients } from './component-clients.ts'
import { controlComponents, leadMetrics } from './control-components.ts'
import { keepAllRunning, keepRunning } from './keep-running.ts'
import { processLogger } from './process-logger.ts'
import { endSignal, Farewell, untilAborted } from './run-until-signal.ts'
import { authoritySigner } from './server-side/authority-signer.ts'
import { ensureMachineRole } from './server-side/ensure-machine-role.ts'
import { ensureStandardClass } from './server-side/ensure-standard-class.ts'
import { hostAddresses } from './server-side/host-addresses.ts'
import { type ServerSide, startServerSide } from './server-side/server-side.ts'
import { createJoinToken } from './token-commands.ts'

/** `holdfast server`: the API, what leads the cluster, and on a cluster of one machine that machine too. */
export async function runServerProcess(
  config: ClusterConfig,
  { version, userId, environment }: CommandContext,
): Promise<void> {
  if (config.nodes === 1 && config.machine) requireRoot(userId)
  await checkServer({ ...config, path: environment.PATH ?? '' })
  claimDataDirectory(dataLayoutOf(config.dataDir).stamp, version)
  const farewell = new Farewell()
  const ending = endSignal(farewell)
  const logger = processLogger(config.logLevel)
  logger.info({ version, dataDir: config.dataDir }, 'starting')
  await using side = await startServerSide(config, logger)
  logger.info({ port: config.port, afterMs: Math.round(performance.now()) }, 'serving')
  await using clients = new ComponentClients(component => side.transportFor(component), logger, side.metrics)
  await ensureJoinToken(join(side.layout.root, 'join-token'), clients.client('token'), side.authority.certificate)
  await ensureMachineRole(clients.client('bootstrap'))
  await ensureStandardClass(clients.client('storage'), { isDefault: config.defaultStorage })
  await Promise.all([
    lead(config, { side, clients, logger }, ending),
    keepRunning(
      clusterDnsService(clients.dependencies({ component: 'dns' }), { address: config.clusterDns }),
      ending,
      logger,
    ),
    keepRunning(
      loadBalancerStatus(clients.dependencies({ component: 'service-proxy' }), {
        reservedPorts: [config.port, KUBELET_PORT],
      }),
      ending,
      logger,
    ),
    ...(config.nodes === 1 && config.machine
      ? [runOwnMachine(config, { side, clients, logger, farewell }, ending)]
      : []),
    untilAborted(ending),
  ])
  logger.info({}, 'ended')
}

/** A token for the machines that are made on this host, kept where only root reads it. */
async function ensureJoinToken(path: string, client: Client, authority: string): Promise<void> {
  if (existsSync(path)) return
  replaceFile(path, await createJoinToken(client, { authority }))
}

/**
 * On a cluster of one machine, the host itself is that machine and shares this process and its informers. What a machine
 * needs is loaded here, once the API is served.
 */
async function runOwnMachine(
  config: ClusterConfig,
  {
    side,
    clients,
    logger,
    farewell,
  }: { side: ServerSide; clients: ComponentClients; logger: Logger; farewell: Farewell },
  signal: AbortSignal,
): Promise<void> {
  const [{ name: nodeName }] = plannedMachines(config) as [PlannedMachine]
  const machine = {
    nodeName,
    dataDir: side.layout.machine('server'),
    labels: { 'node-role.kubernetes.io/control-plane': '' },
    taints: [],
    clusterDns: config.clusterDns,
    clusterDomain: config.clusterDomain,
    podRange: config.podCidr,
    serviceRange: config.serviceCidr,
    criEndpoint: config.criEndpoint,
    registryMirrors: config.registryMirror,
    shutdownGraceSeconds: config.shutdownGrace,
    farewell,
    authority: side.authority.certificate,
    servingCertificate: () =>
      side.certificates.certificate('kubelet', {
        commonName: `system:node:${nodeName}`,
        organizations: ['system:nodes'],
        usage: 'server',
        dnsNames: [nodeName],
        ipAddresses: hostAddresses(),
      }),
  }
  const { runMachine } = await import('./machine-side/run-machine.ts')
  return runMachine(machine, clients, logger.child({ node: nodeName }), signal)
}

/** With several servers on one etcd only the elected one leads; a store of our own has only one server. */
function lead(
  { store, featureGates, scheduler }: ClusterConfig,
  { side, clients, logger }: { side: ServerSide; clients: ComponentClients; logger: Logger },
  signal: AbortSignal,
): Promise<void> {
  const metrics = leadMetrics(side.metrics)
  const controllerOptions = {
    rootCertificate: side.authority.certificate,
    signer: authoritySigner(side.authority),
    featureGates: featureGatesFrom(featureGates),
  }
  const run = (leading: AbortSignal): Promise<void> =>
    keepAllRunning(
      controlComponents(clients, { ...controllerOptions, hasScheduler: scheduler }, metrics),
      leading,
      logger,
    )
  if (!isOnEtcd({ store })) return run(signal)
  const election = {
    client: clients.client('holdfast-server'),
    clock,
    logger,
    lease: { namespace: 'kube-system', name: 'holdfast-leader' },
    identity: `${hostname()}_${uuidFrom(random)}`,
  }
  return runWhileLeading(election, run, signal)
}
