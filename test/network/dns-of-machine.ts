/**
 * A program for tests: the cluster's DNS server in the network namespace that it is started in. Reads one object a line
 * from its standard input, as JSON; says `listening` when it listens and `seen` after each line.
 */
import { createInterface } from 'node:readline'
import { Namespace, Pod, Service } from '../../src/api/core-v1/types.ts'
import { EndpointSlice } from '../../src/api/discovery-v1/types.ts'
import { dnsServer } from '../../src/dns/dns-server.ts'
import { nodeUpstream } from '../../src/dns/forward/node-upstream.ts'
import { nodeDnsSockets } from '../../src/dns/server/node-dns-sockets.ts'
import { silentLogger } from '../../src/machinery/logger.ts'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { systemRandom } from '../../src/machinery/system-random.ts'
import { HandFedInformers } from './hand-fed-informers.ts'

const cluster = new HandFedInformers().sync()
const server = dnsServer(
  {
    informers: cluster,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    sockets: nodeDnsSockets(),
    upstream: nodeUpstream,
    readResolvConf: async () => '',
  },
  { addresses: ['10.96.0.10'], podRange: '10.244.0.0/16', serviceRange: '10.96.0.0/12' },
)
const stop = new AbortController()
const running = server.run(stop.signal)
await server.whenListening()
process.stdout.write('listening\n')

for await (const line of createInterface({ input: process.stdin })) {
  const object = JSON.parse(line) as { kind: string }
  if (object.kind === 'Service') cluster.set(Service, object as Service)
  if (object.kind === 'EndpointSlice') cluster.set(EndpointSlice, object as EndpointSlice)
  if (object.kind === 'Pod') cluster.set(Pod, object as Pod)
  if (object.kind === 'Namespace') cluster.set(Namespace, object as Namespace)
  process.stdout.write('seen\n')
}
stop.abort(new Error('input ended'))
await running
