/**
 * Services in the kernel: `node benchmarks/proxy.ts [services] [endpoints of each]`, as root. Makes network namespaces of
 * its own and removes them. Prints how long the whole takes, how long one change, and what a connection costs.
 */
import { Service } from '../src/api/core-v1/types.ts'
import { EndpointSlice } from '../src/api/discovery-v1/types.ts'
import { silentLogger } from '../src/machinery/logger.ts'
import { systemClock } from '../src/machinery/system-clock.ts'
import { type ServiceProxy, serviceProxy } from '../src/proxy/service-proxy.ts'
import { HandFedInformers } from '../test/network/hand-fed-informers.ts'
import { endpoint, serviceObject, sliceObject } from '../test/network/objects.ts'
import { plug, TestMachine } from '../test/network/test-machines.ts'

const SERVICES = Number(process.argv[2] ?? 5000)
const ENDPOINTS = Number(process.argv[3] ?? 10)
const CHANGES = 200
const CONNECTIONS = 3000
const CHURN_TICKS = 300

await using stack = new AsyncDisposableStack()
const machine = stack.use(await TestMachine.create('machine'))
const server = stack.use(await TestMachine.create('server'))
const client = stack.use(await TestMachine.create('client'))
await connectAll()

const cluster = new HandFedInformers().sync()
for (let i = 0; i < SERVICES; i++) setService(i, ENDPOINTS)
const stop = new AbortController()
const proxy = serviceProxy(
  {
    informers: cluster,
    commands: machine.commands,
    health: { listen: async () => ({ [Symbol.asyncDispose]: async () => {} }) },
    clock: systemClock,
    logger: silentLogger,
  },
  { nodeName: 'machine', clusterPodRange: '10.244.0.0/16', serviceRange: '10.96.0.0/12' },
)
const startedMs = performance.now()
const running = proxy.run(stop.signal)
await proxy.whenProgrammed()
console.log(`${SERVICES} Services, ${SERVICES * ENDPOINTS} endpoints: ${Math.round(performance.now() - startedMs)} ms`)
await measureChanges(proxy)
await measureChurn(proxy)
await measureConnections()
stop.abort(new Error('done'))
await running

function setService(i: number, endpoints: number): void {
  const clusterIP = `10.97.${i >> 8}.${i & 255}`
  cluster.set(Service, serviceObject(`s${i}`, { spec: { clusterIP, ports: [{ name: 'web', port: 80 }] } }))
  setEndpoints(i, endpoints)
}

function setEndpoints(i: number, count: number): void {
  const list = Array.from({ length: count }, (_, n) => endpoint(`10.244.${100 + (i % 100)}.${n + 1}`))
  cluster.set(EndpointSlice, sliceObject(`s${i}`, list))
}

async function measureChanges(subject: ServiceProxy): Promise<void> {
  const times: number[] = []
  for (let change = 0; change < CHANGES; change++) {
    const began = performance.now()
    setEndpoints((change * 7) % SERVICES, ENDPOINTS - 1 + (change % 3))
    await subject.whenProgrammed()
    times.push(performance.now() - began)
  }
  times.sort((a, b) => a - b)
  const at = (share: number): string => times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(1)
  console.log(`one change: median ${at(0.5)} ms, p99 ${at(0.99)} ms`)
}

/** Endpoints that change a thousand times a second: how long the kernel is behind at most. */
async function measureChurn(subject: ServiceProxy): Promise<void> {
  const delays: number[] = []
  const pending: Promise<void>[] = []
  for (let tick = 0; tick < CHURN_TICKS; tick++) {
    for (let i = 0; i < 10; i++) setEndpoints((tick * 10 + i) % 50, ENDPOINTS - 1 + (tick % 2))
    const began = performance.now()
    pending.push(subject.whenProgrammed().then(() => void delays.push(performance.now() - began)))
    await systemClock.sleep(10)
  }
  await Promise.all(pending)
  console.log(`1,000 changes a second: at most ${Math.max(...delays).toFixed(1)} ms behind`)
}

async function connectAll(): Promise<void> {
  await machine.commands.run('sysctl', ['-q', '-w', 'net.ipv4.ip_forward=1'])
  for (const [name, peer, net] of [
    ['to-server', server, '10.244.1'],
    ['to-client', client, '10.244.2'],
  ] as const) {
    await plug(peer, 'eth0', machine, name)
    await machine.ip(`address add ${net}.1/24 dev ${name}`)
    await peer.ip(`address add ${net}.2/24 dev eth0`)
    await peer.ip(`route add default via ${net}.1`)
  }
  await server.answer('server', 8080)
}

async function measureConnections(): Promise<void> {
  cluster.set(Service, serviceObject('real', { spec: { clusterIP: '10.96.7.7', ports: [{ name: 'web', port: 80 }] } }))
  cluster.set(EndpointSlice, sliceObject('real', [endpoint('10.244.1.2')]))
  await proxy.whenProgrammed()
  const script = new URL('../test/network/connecting-client.ts', import.meta.url).pathname
  const output = await client.commands.run(process.execPath, [
    script,
    String(CONNECTIONS),
    '10.244.1.2:8080',
    '10.96.7.7:80',
  ])
  const [direct, through] = JSON.parse(output) as [number, number]
  console.log(
    `connection: direct ${direct} µs, through a cluster address ${through} µs (${((through / direct - 1) * 100).toFixed(1)} %)`,
  )
}
