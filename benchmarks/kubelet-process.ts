/** One kubelet and nothing else in a process of its own, so that `kubelet.ts` can measure its share. Takes its options as JSON. */
import { ComponentClients } from '../src/bin/component-clients.ts'
import { HttpsTransport } from '../src/client/https-transport.ts'
import { kubeletEndpoint } from '../src/kubelet/endpoint/kubelet-endpoint.ts'
import { createKubelet } from '../src/kubelet/kubelet.ts'
import type { KubeletConfig } from '../src/kubelet/kubelet-config.ts'
import { localMachine } from '../src/kubelet/machine/local-machine.ts'
import { silentLogger as logger } from '../src/machinery/logger.ts'
import { systemClock as clock } from '../src/machinery/system-clock.ts'

export interface KubeletProcessOptions {
  readonly nodeName: string
  readonly server: string
  readonly authority: string
  readonly client: { readonly certificate: string; readonly key: string }
  readonly serving: { readonly certificate: string; readonly key: string }
  readonly criEndpoint: string
  readonly cgroupRoot: string
  readonly config: Partial<KubeletConfig>
}

const options = JSON.parse(process.argv[2]!) as KubeletProcessOptions
const { nodeName, server, authority, criEndpoint, cgroupRoot, config } = options
const transport = new HttpsTransport({ server, certificateAuthority: authority, clientCertificate: options.client })
const clients = new ComponentClients(() => transport, logger)
const { doors } = await localMachine({ criEndpoint, clock, cgroupRoot, hostname: nodeName })
const kubelet = createKubelet({
  ...clients.dependencies({ component: 'kubelet', host: nodeName }),
  nodeName,
  doors,
  config,
})
const tls = { ...options.serving, clientAuthority: authority }
const endpoint = kubeletEndpoint({ nodeName, kubelet, doors, clock, logger, tls, authorize: () => true })
const { signal } = new AbortController()
await Promise.all([kubelet.run(signal), endpoint.run(signal)])
