import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Service } from '../../src/api/core-v1/types.ts'
import { EndpointSlice } from '../../src/api/discovery-v1/types.ts'
import { dnsServer } from '../../src/dns/dns-server.ts'
import { nodeUpstream } from '../../src/dns/forward/node-upstream.ts'
import { nodeDnsSockets } from '../../src/dns/server/node-dns-sockets.ts'
import { silentLogger } from '../../src/machinery/logger.ts'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { systemRandom } from '../../src/machinery/system-random.ts'
import { HandFedInformers } from './hand-fed-informers.ts'
import { endpoint, headlessObject, serviceObject, sliceObject } from './objects.ts'

/** A second server of ours stands for the name servers of the world outside. */
const ADDRESS = '127.0.53.10'
const OUTSIDE = '127.0.53.11'

let cluster: HandFedInformers
let stop: AbortController
let running: Promise<unknown>[]

async function start(
  informers: HandFedInformers,
  { address, domain, resolvConf }: { address: string; domain: string; resolvConf: string },
) {
  const server = dnsServer(
    {
      informers,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      sockets: nodeDnsSockets(),
      upstream: nodeUpstream,
      readResolvConf: async () => resolvConf,
    },
    {
      addresses: [address],
      port: 5300,
      clusterDomain: domain,
      podRange: '10.244.0.0/16',
      serviceRange: '10.96.0.0/12',
    },
  )
  running.push(server.run(stop.signal))
  await server.whenListening()
}

beforeEach(async () => {
  stop = new AbortController()
  running = []
  cluster = new HandFedInformers().sync()
  cluster.set(Service, headlessObject('web'))
  cluster.set(
    EndpointSlice,
    sliceObject(
      'web',
      Array.from({ length: 3 }, (_, i) => endpoint(`10.244.0.${i + 1}`, `web-${i}`)),
    ),
  )
  await start(cluster, { address: ADDRESS, domain: 'cluster.local', resolvConf: '' })
})

afterEach(async () => {
  stop.abort(new Error('test over'))
  await Promise.all(running)
})

async function dig(...args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)('dig', [
    '@127.0.53.10',
    '-p',
    '5300',
    '+tries=1',
    '+time=3',
    '+short',
    ...args,
  ])
  return stdout.trim().split('\n').sort()
}

test('dig finds addresses, services and names of addresses, over UDP and TCP', async () => {
  const addresses = ['10.244.0.1', '10.244.0.2', '10.244.0.3']
  expect(await dig('web.default.svc.cluster.local')).toEqual(addresses)
  expect(await dig('+tcp', 'web.default.svc.cluster.local')).toEqual(addresses)
  expect(await dig('SRV', 'web.default.svc.cluster.local')).toEqual(
    [0, 1, 2].map(i => `0 100 8080 web-${i}.web.default.svc.cluster.local.`),
  )
  expect(await dig('-x', '10.244.0.2')).toEqual(['web-1.web.default.svc.cluster.local.'])
})

test('dig comes back by TCP for an answer that is too long', async () => {
  cluster.set(
    EndpointSlice,
    sliceObject(
      'web',
      Array.from({ length: 150 }, (_, i) => endpoint(`10.244.0.${i + 1}`)),
    ),
  )
  expect(await dig('web.default.svc.cluster.local')).toHaveLength(150)
  expect(await dig('+notcp', '+ignore', '+noedns', 'web.default.svc.cluster.local')).toHaveLength(29) // 512 bytes, less header and question, in records of 16
})

test('dig sees the difference between no such name and no data, with the SOA', async () => {
  const whole = async (name: string, type: string): Promise<string> =>
    (await promisify(execFile)('dig', ['@127.0.53.10', '-p', '5300', type, name])).stdout
  expect(await whole('nope.default.svc.cluster.local', 'A')).toMatch(
    /status: NXDOMAIN[\s\S]*cluster\.local\.\s+0\s+IN\s+SOA/,
  )
  expect(await whole('web.default.svc.cluster.local', 'AAAA')).toMatch(/status: NOERROR[\s\S]*ANSWER: 0[\s\S]*SOA/)
})

test('names outside are fetched from the name server of the host, long answers by TCP', async () => {
  const outside = new HandFedInformers().sync()
  outside.set(Service, headlessObject('many'))
  outside.set(
    EndpointSlice,
    sliceObject(
      'many',
      Array.from({ length: 120 }, (_, i) => endpoint(`192.0.2.${i + 1}`)),
    ),
  )
  await start(outside, { address: OUTSIDE, domain: 'outside.test', resolvConf: '' })
  const inside = new HandFedInformers().sync()
  inside.set(
    Service,
    serviceObject('alias', { spec: { type: 'ExternalName', externalName: 'many.default.svc.outside.test' } }),
  )
  await start(inside, {
    address: '127.0.53.12',
    domain: 'cluster.local',
    resolvConf: `nameserver ${OUTSIDE}`,
  })
  const { stdout } = await promisify(execFile)('dig', [
    '@127.0.53.12',
    '-p',
    '5300',
    '+short',
    '+time=5',
    'alias.default.svc.cluster.local',
  ])
  // Port 53 of that address is nobody's here: the alias alone is the answer.
  expect(stdout.trim()).toBe('many.default.svc.outside.test.')
})

test('rubbish by UDP and TCP leaves the server answering', async () => {
  const socket = createSocket('udp4')
  for (let i = 0; i < 500; i++) socket.send(systemRandomBytes(1 + (i % 60)), 5300, ADDRESS)
  const stream = connect({ host: ADDRESS, port: 5300 })
  stream.on('error', () => {})
  stream.end(systemRandomBytes(5000))
  await once(stream, 'connect')
  expect(await dig('web-0.web.default.svc.cluster.local')).toEqual(['10.244.0.1'])
  socket.close()
  stream.destroy()
})

const systemRandomBytes = (count: number): Buffer => Buffer.from(systemRandom.bytes(count))
