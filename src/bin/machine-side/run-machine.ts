import { readFile } from 'node:fs/promises'
import { controllerComponent } from '../../client/run-controller.ts'
import { localVolumeProvisioner } from '../../controllers/local-volume-provisioner/local-volume-provisioner.ts'
import { type DnsServer, dnsServer } from '../../dns/dns-server.ts'
import { nodeUpstream } from '../../dns/forward/node-upstream.ts'
import { nodeDnsSockets } from '../../dns/server/node-dns-sockets.ts'
import { Containerd } from '../../kubelet/containerd/containerd.ts'
import { kubeletEndpoint } from '../../kubelet/endpoint/kubelet-endpoint.ts'
import { createKubelet } from '../../kubelet/kubelet.ts'
import { type LocalMachine, localMachine } from '../../kubelet/machine/local-machine.ts'
import type { Component } from '../../machinery/component.ts'
import type { Logger } from '../../machinery/logger.ts'
import { systemClock as clock } from '../../machinery/system-clock.ts'
import { systemRandom as random } from '../../machinery/system-random.ts'
import { nodeNetworkFiles } from '../../pod-network/node-network-files.ts'
import { podNetwork } from '../../pod-network/pod-network.ts'
import { nodeHealthDoor } from '../../proxy/node-health-door.ts'
import { serviceProxy } from '../../proxy/service-proxy.ts'
import type { KeyPair } from '../../server/pki/certificate.ts'
import type { ComponentClients } from '../component-clients.ts'
import { keepAllRunning, keepRunning } from '../keep-running.ts'
import type { Farewell } from '../run-until-signal.ts'
import { untilAborted } from '../run-until-signal.ts'
import { machineGoesDown } from './machine-goes-down.ts'
import { type MachineLayout, machineLayoutOf } from './machine-layout.ts'
import { noteMachine } from './machine-note.ts'
import { nodeCommands } from './node-commands.ts'
import { registryMirrorFrom, writeRegistryMirrors } from './registry-mirrors.ts'
import { vouchedFor } from './vouched-for.ts'

export interface MachineOptions {
  readonly nodeName: string
  /** Its own folder. */
  readonly dataDir: string
  /** Absent: the addresses of the machine's devices. */
  readonly addresses?: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly { readonly key: string; readonly value?: string; readonly effect: string }[]
  readonly clusterDns: string
  readonly clusterDomain: string
  readonly podRange: string
  readonly serviceRange: string
  /** `HOST=URL` each: where images of a registry are pulled from first. */
  readonly registryMirrors: readonly string[]
  /** The socket of a containerd that is not ours to start and stop. */
  readonly criEndpoint: string | undefined
  /** How long Pods may take to end when the machine goes down. */
  readonly shutdownGraceSeconds: number
  /** Is told what to do before this process ends. */
  readonly farewell: Farewell
  /** PEM of the cluster's authority, which signs whoever may ask this machine. */
  readonly authority: string
  /** What the kubelet's endpoint shows. Asked for once the Node is there, as only then it is certified. */
  readonly servingCertificate: () => Promise<KeyPair>
}

/** Runs everything that a machine of the cluster needs, until `signal` is aborted. Containers outlive it. */
export async function runMachine(
  options: MachineOptions,
  clients: ComponentClients,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const layout = machineLayoutOf(options.dataDir)
  await noteMachine(layout, { clusterDns: options.clusterDns }) // First, as whoever cleans up reads it.
  const network = [...networkComponents(options, { layout, clients, logger }), dnsOf(options, { clients, logger })]
  const networking = keepAllRunning(network, signal, logger)
  await writeRegistryMirrors(layout.registryConfig, options.registryMirrors.map(registryMirrorFrom))
  const criEndpoint = options.criEndpoint ?? layout.containerdSocket
  const containerd = options.criEndpoint ? undefined : containerdOf(layout, logger)
  const runtime = containerd ? keepRunning(containerd, signal, logger) : Promise.resolve()
  // Whoever is asked to end before that would wait for ever.
  await Promise.race([containerd?.whenReady, untilAborted(signal)])
  if (signal.aborted) return void (await Promise.all([networking, runtime]))
  using machine = await localMachine({
    criEndpoint,
    clock,
    cgroupRoot: layout.cgroupRoot,
    hostname: options.nodeName,
    ...(options.addresses && { addresses: options.addresses }),
  })
  await keepAllRunning(podComponents(options, { layout, clients, machine, logger }), signal, logger)
  await Promise.all([networking, runtime])
}

const containerdOf = (layout: MachineLayout, logger: Logger): Containerd =>
  new Containerd({
    clock,
    logger: logger.child({ component: 'containerd' }),
    directory: layout.containerd,
    root: layout.containerdRoot,
    state: layout.containerdState,
    socket: layout.containerdSocket,
    cniBinaries: layout.cniBinaries,
    cniConfig: layout.cniConfig,
    registryConfig: layout.registryConfig,
  })

interface Parts {
  readonly layout: MachineLayout
  readonly clients: ComponentClients
}

interface LoggingParts extends Parts {
  readonly logger: Logger
}

/** What Pods need around them: addresses and routes, names, Services. */
function networkComponents(
  options: MachineOptions,
  { layout, clients, logger }: Parts & { readonly logger: Logger },
): readonly Component[] {
  const { nodeName, clusterDns, podRange, serviceRange } = options
  const { informers, metrics } = clients
  return [
    podNetwork(
      {
        informers,
        commands: nodeCommands,
        files: nodeNetworkFiles,
        clock,
        logger: logger.child({ component: 'pod-network' }),
      },
      {
        nodeName,
        clusterPodRange: podRange,
        localAddresses: [clusterDns],
        cniDirectory: layout.cniConfig,
        stateDirectory: layout.network,
      },
    ),
    serviceProxy(
      {
        informers,
        commands: nodeCommands,
        health: nodeHealthDoor,
        metrics,
        clock,
        logger: logger.child({ component: 'service-proxy' }),
      },
      { nodeName, clusterPodRange: podRange, serviceRange },
    ),
  ]
}

function dnsOf(
  { clusterDns, clusterDomain, podRange, serviceRange }: MachineOptions,
  { clients, logger }: Omit<LoggingParts, 'layout'>,
): DnsServer {
  const dependencies = {
    informers: clients.informers,
    metrics: clients.metrics,
    clock,
    random,
    logger: logger.child({ component: 'dns' }),
    sockets: nodeDnsSockets(),
    upstream: nodeUpstream,
    readResolvConf: () => readFile('/etc/resolv.conf', 'utf8'),
  }
  return dnsServer(dependencies, { addresses: [clusterDns], clusterDomain, podRange, serviceRange })
}

/** What runs Pods: the kubelet, and the maker of their local volumes. */
function podComponents(
  options: MachineOptions,
  { layout, clients, machine, logger }: LoggingParts & { readonly machine: LocalMachine },
): readonly Component[] {
  const { nodeName, labels, taints, addresses, clusterDns, clusterDomain } = options
  const { doors } = machine
  const graceMs = options.shutdownGraceSeconds * 1000
  const kubelet = createKubelet({
    nodeName,
    doors,
    ...clients.dependencies({ component: 'kubelet', host: nodeName }),
    config: {
      rootDirectory: layout.kubelet,
      podLogsDirectory: layout.podLogs,
      staticPodDirectory: layout.manifests,
      clusterDomain,
      clusterDns: [clusterDns],
      labels,
      taints,
      ...(addresses && { addresses }),
      shutdown: { graceMs, criticalMs: Math.floor(graceMs / 3) },
    },
  })
  options.farewell.add(async () => {
    if (graceMs > 0 && (await machineGoesDown(nodeCommands))) await kubelet.shutDown()
  })
  const provisioner = localVolumeProvisioner({ nodeName, root: layout.volumes, disk: doors.disk })
  const endpoint: Component = {
    name: 'kubelet-endpoint',
    async run(signal) {
      const serving = await Promise.race([options.servingCertificate(), untilAborted(signal)])
      if (!serving) return
      const { certificate, key } = serving
      const tls = { certificate, key, clientAuthority: options.authority }
      const authorize = vouchedFor(clients.client('kubelet'), nodeName)
      await kubeletEndpoint({ nodeName, kubelet, doors, clock, logger, tls, authorize, metrics: clients.metrics }).run(
        signal,
      )
    },
  }
  return [
    kubelet,
    endpoint,
    controllerComponent(provisioner, clients.dependencies({ component: provisioner.component })),
  ]
}
