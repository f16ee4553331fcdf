/**
 * One machine's DNS and, where a network namespace is named, its Services, for `readiness.ts`: follows a cluster by its
 * kubeconfig, answers at the address given, and prints `listening`; then for each change of the Service `web` that is in
 * the kernel, which addresses were ready in it.
 */
import { readFileSync } from 'node:fs'
import { Service } from '../src/api/core-v1/types.ts'
import { EndpointSlice } from '../src/api/discovery-v1/types.ts'
import { ComponentClients } from '../src/bin/component-clients.ts'
import { HttpsTransport } from '../src/client/https-transport.ts'
import { connectionOf, parseKubeconfig } from '../src/client/kubeconfig.ts'
import { dnsServer } from '../src/dns/dns-server.ts'
import { nodeUpstream } from '../src/dns/forward/node-upstream.ts'
import { nodeDnsSockets } from '../src/dns/server/node-dns-sockets.ts'
import { silentLogger } from '../src/machinery/logger.ts'
import { systemClock as clock } from '../src/machinery/system-clock.ts'
import { systemRandom as random } from '../src/machinery/system-random.ts'
import { serviceProxy } from '../src/proxy/service-proxy.ts'
import { systemCommands } from '../test/network/system-commands.ts'

const [kubeconfig = '', address = '', port = '', namespace] = process.argv.slice(2)
const readFile = (path: string): string => readFileSync(path, 'utf8')
const ranges = { podRange: '10.244.0.0/16', serviceRange: '10.96.0.0/12' }
const logger = silentLogger
await using transport = new HttpsTransport(connectionOf(parseKubeconfig(readFile(kubeconfig)), { readFile }))
await using clients = new ComponentClients(() => transport, logger)
const { informers } = clients
const sockets = { sockets: nodeDnsSockets(), upstream: nodeUpstream, readResolvConf: async () => '' }
const dns = dnsServer(
  { informers, clock, random, logger, ...sockets },
  { addresses: [address], port: Number(port), ...ranges },
)
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort(new Error('stopped')))
const running: Promise<unknown>[] = [dns.run(stop.signal)]
if (namespace) followServices(namespace)
await dns.whenListening()
await informers.whenSynced()
process.stdout.write('listening\n')
await Promise.all(running)

function followServices(within: string): void {
  const commands = systemCommands({ prefix: ['nsenter', `--net=${within}`] })
  const health = { listen: async () => ({ [Symbol.asyncDispose]: async () => {} }) }
  const proxy = serviceProxy(
    { informers, commands, health, clock, logger },
    { nodeName: 'none', clusterPodRange: ranges.podRange, serviceRange: ranges.serviceRange },
  )
  informers.informer(Service)
  running.push(proxy.run(stop.signal))
  informers.informer(EndpointSlice).subscribe(({ object }) => {
    if (object.metadata.labels?.['kubernetes.io/service-name'] !== 'web') return
    const ready = (object.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready)
      .map(({ addresses }) => addresses[0])
    void proxy.whenProgrammed().then(() => process.stdout.write(`programmed ${JSON.stringify(ready)}\n`))
  })
}
