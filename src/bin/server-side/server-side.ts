import { mkdirSync } from 'node:fs'
import { Registry as MetricsRegistry } from 'prom-client'
import type { ClusterConfig } from '../../cli/config/settings.ts'
import { storeUrlOf } from '../../cli/config/store-url.ts'
import { type DataLayout, dataLayoutOf } from '../../cli/host/data-layout.ts'
import { replaceFile } from '../../cli/host/replace-file.ts'
import { HOST_ADDRESS } from '../../cli/machines/machine-network.ts'
import type { ApiTransport } from '../../machinery/api-call.ts'
import { featureGatesFrom } from '../../machinery/feature-gates.ts'
import type { Logger } from '../../machinery/logger.ts'
import { systemClock as clock } from '../../machinery/system-clock.ts'
import { systemRandom as random } from '../../machinery/system-random.ts'
import { createRegistry } from '../../registry/create-registry.ts'
import { type OpenApiServer, openApiServer } from '../../server/open-api-server.ts'
import type { CertificateRequest, KeyPair } from '../../server/pki/certificate.ts'
import { httpsNodeConnection } from '../../server/streams/https-node-connection.ts'
import type { StoreDriver } from '../../store/driver.ts'
import { openStore } from '../../store/open-store.ts'
import { StoreMetrics } from '../../store/store-metrics.ts'
import { adminKubeconfigText } from './admin-kubeconfig.ts'
import { CertificateFiles } from './certificate-files.ts'
import { addressIn, hostAddresses, hostName } from './host-addresses.ts'
import { shareAuthority } from './shared-authority.ts'
import { serveStore } from './store-socket.ts'

/** Store, registry and API of one server, listening. */
export interface ServerSide extends AsyncDisposable {
  readonly layout: DataLayout
  readonly metrics: MetricsRegistry
  readonly authority: KeyPair
  readonly certificates: CertificateFiles
  transportFor(component: string): ApiTransport
  /** As a machine: held to what the node authorizer allows. */
  transportForNode(nodeName: string): ApiTransport
}

const MASTERS = ['system:masters', 'system:authenticated']

/** Opens the store, serves the API, and leaves an administrator's kubeconfig in the data directory. */
export async function startServerSide(config: ClusterConfig, logger: Logger): Promise<ServerSide> {
  const layout = dataLayoutOf(config.dataDir)
  mkdirSync(layout.root, { recursive: true })
  const metrics = new MetricsRegistry()
  const certificates = new CertificateFiles(layout.certificates, { clock, random })
  const store = await openConfiguredStore(config, { layout, logger, metrics })
  if (store.name === 'etcd') await shareAuthority(store, certificates)
  const authority = await certificates.authority()
  const server = await apiServerOn(store, { config, certificates, authority, logger, metrics })
  const certificate = await certificates.certificate('apiserver', serverRequest(config))
  await server.listen({
    host: config.bindAddress,
    port: config.port,
    // With its authority, so that a machine that knows only the authority's hash can find it.
    certificate: {
      key: certificate.key,
      certificate: `${certificate.certificate.trimEnd()}\n${authority.certificate}`,
      clientAuthorities: authority.certificate,
    },
  })
  const socket = serveStore(layout.storeSocket, store)
  await writeAdminKubeconfig({ config, layout, certificates, authority })
  return {
    layout,
    metrics,
    authority,
    certificates,
    transportFor: component => server.transportFor({ name: `system:${component}`, groups: MASTERS }),
    transportForNode: nodeName =>
      server.transportFor({ name: `system:node:${nodeName}`, groups: ['system:nodes', 'system:authenticated'] }),
    async [Symbol.asyncDispose]() {
      await socket[Symbol.asyncDispose]()
      await server.close()
      await store.close()
    },
  }
}

function openConfiguredStore(
  config: ClusterConfig,
  { layout, logger, metrics }: { layout: DataLayout; logger: Logger; metrics: MetricsRegistry },
): Promise<StoreDriver> {
  return openStore(storeUrlOf(config, layout.store), {
    clock,
    logger,
    metrics: new StoreMetrics(metrics),
    historyMs: config.historyMinutes * 60_000,
  })
}

interface Parts {
  readonly config: ClusterConfig
  readonly certificates: CertificateFiles
  readonly authority: KeyPair
  readonly logger: Logger
  readonly metrics: MetricsRegistry
}

async function apiServerOn(
  store: StoreDriver,
  { config, certificates, authority, logger, metrics }: Parts,
): Promise<OpenApiServer> {
  const serving = {
    store,
    clock,
    random,
    logger,
    featureGates: featureGatesFrom(config.featureGates),
    serviceRange: config.serviceCidr,
  }
  const address = advertisedAddress(config)
  const kubeletClient = await certificates.certificate('apiserver-kubelet-client', {
    commonName: 'kube-apiserver-kubelet-client',
    organizations: ['system:masters'],
    usage: 'client',
  })
  return openApiServer({
    createRegistry: admission => createRegistry({ ...serving, admission }),
    clock,
    random,
    logger,
    metrics,
    nodes: httpsNodeConnection({ certificate: kubeletClient, authority: authority.certificate }),
    tokenKeys: { signing: certificates.tokenKey() },
    issuer: `https://kubernetes.default.svc.${config.clusterDomain}`,
    bootstrap: {
      authority: authority.certificate,
      url: `https://${address}:${config.port}`,
      addresses: [address],
      port: config.port,
      serviceRange: config.serviceCidr,
    },
  })
}

/** Where machines and Pods reach this server. */
function advertisedAddress({ advertiseAddress, nodes }: ClusterConfig): string {
  if (advertiseAddress) return advertiseAddress
  return nodes > 1 ? HOST_ADDRESS : (hostAddresses()[0] ?? '127.0.0.1')
}

/** Every name and address under which clients may reach this server. */
function serverRequest({ clusterDomain, serviceCidr, advertiseAddress, tlsSan }: ClusterConfig): CertificateRequest {
  const isAddress = (name: string): boolean => /^[\d.]+$|:/.test(name)
  const services = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${clusterDomain}`,
  ]
  return {
    commonName: 'kube-apiserver',
    usage: 'server',
    dnsNames: ['localhost', hostName(), ...services, ...tlsSan.filter(name => !isAddress(name))],
    ipAddresses: [
      ...new Set([
        '127.0.0.1',
        addressIn(serviceCidr, 1),
        ...hostAddresses(),
        HOST_ADDRESS, // The bridge of machines made by `up --nodes`, known before it is there.
        ...(advertiseAddress ? [advertiseAddress] : []),
        ...tlsSan.filter(isAddress),
      ]),
    ],
  }
}

async function writeAdminKubeconfig({
  config,
  layout,
  certificates,
  authority,
}: Pick<Parts, 'config' | 'certificates' | 'authority'> & { layout: DataLayout }): Promise<void> {
  const admin = await certificates.certificate('admin', {
    commonName: 'kubernetes-admin',
    organizations: ['system:masters'],
    usage: 'client',
  })
  const server = `https://127.0.0.1:${config.port}`
  replaceFile(layout.adminKubeconfig, adminKubeconfigText({ server, authority: authority.certificate, admin }))
}
