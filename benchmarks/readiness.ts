/**
 * From a Pod's readiness to its name and its Service, over the whole chain: `node benchmarks/readiness.ts [rounds]`. A
 * server with its controllers on a new LMDB store, and machines of which each has a DNS server, in processes of their own,
 * over TLS on loopback. As root the machines also have their Services, each in a network namespace. Each round makes one
 * Pod of a Service ready or unready, and takes the time from that call on: until it is answered; until every machine's DNS
 * says so (and how long that is after the answer); until the rules of every machine do.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import dnsPacket from 'dns-packet'
import { Node, Pod, Service } from '../src/api/core-v1/types.ts'
import { apiClient } from '../src/client/api-client.ts'
import type { Client } from '../src/client/client.ts'
import { HttpsTransport } from '../src/client/https-transport.ts'
import { connectionOf, parseKubeconfig } from '../src/client/kubeconfig.ts'
import { systemClock } from '../src/machinery/system-clock.ts'
import { freePort } from '../test/free-port.ts'
import { TestMachine } from '../test/network/test-machines.ts'

const ROUNDS = Number(process.argv[2] ?? 200)
const MACHINES = 3
const PODS = 10
/** Between two questions to one machine. */
const ASK_INTERVAL_MS = 1
/** Where a DNS message says how many answers it has (RFC 1035, 4.1.1). */
const ANSWER_COUNT = 6
const PAUSE_MS = 20
const namespace = 'default'
const podName = (number: number): string => `web-${number}`
const podAddress = (number: number): string => `10.244.9.${number + 1}`
const isRoot = process.getuid?.() === 0

await using stack = new AsyncDisposableStack()
const folder = mkdtempSync(join(tmpdir(), 'holdfast-readiness-'))
stack.defer(() => rmSync(folder, { recursive: true, force: true }))
const kubeconfig = await startServer()
await using transport = transportBy(kubeconfig)
const client = apiClient(transport)
await makeObjects(client)
const machines: Machine[] = []
for (let i = 0; i < MACHINES; i++) machines.push(await startMachine(i))
for (let number = 0; number < PODS; number++) await setReady(number, false)
await systemClock.sleep(500)
await measure()

function transportBy(file: string): HttpsTransport {
  const readFile = (path: string): string => readFileSync(path, 'utf8')
  return new HttpsTransport(connectionOf(parseKubeconfig(readFile(file)), { readFile }))
}

interface Machine {
  /** Connected to its DNS. */
  readonly socket: Socket
  /** Resolves when the rules hold exactly these addresses. */
  whenProgrammed(addresses: readonly string[]): Promise<void>
}

function start(args: readonly string[], output: 'pipe' | 'ignore'): ChildProcess {
  const child = spawn(process.execPath, args, { stdio: ['ignore', output, 'inherit'] })
  stack.defer(async () => {
    const exited = once(child, 'exit')
    if (child.exitCode !== null) return
    child.kill('SIGTERM')
    await exited
  })
  return child
}

async function startServer(): Promise<string> {
  const port = String(await freePort())
  const program = new URL('../src/bin/holdfast.ts', import.meta.url).pathname
  const where = ['--data-dir', folder, '--port', port, '--bind-address', '127.0.0.1']
  start([program, 'server', '--no-machine', ...where], 'ignore')
  const file = join(folder, 'admin.kubeconfig')
  for (;;) {
    if (existsSync(file) && (await answers(file))) return file
    await systemClock.sleep(50)
  }
}

async function answers(file: string): Promise<boolean> {
  try {
    await using attempt = transportBy(file)
    await apiClient(attempt).list(Node)
    return true
  } catch {
    return false
  }
}

async function makeObjects(api: Client): Promise<void> {
  const metadata = { name: 'web', namespace }
  const selector = { app: 'web' }
  await api.create(Service, { metadata, spec: { selector, clusterIP: 'None', ports: [{ port: 80 }] } })
  await api.create(Service, {
    metadata: { name: 'front', namespace },
    spec: { selector, ports: [{ port: 80 }] },
  })
  for (let number = 0; number < PODS; number++)
    await api.create(Pod, {
      metadata: { name: podName(number), namespace, labels: { app: 'web' } },
      spec: {
        hostname: podName(number),
        subdomain: 'web',
        nodeName: 'none',
        containers: [{ name: 'c', image: 'i' }],
      },
    })
}

async function startMachine(index: number): Promise<Machine> {
  const network = isRoot ? stack.use(await TestMachine.create(`machine${index}`)) : undefined
  const [address, port] = [`127.0.53.${30 + index}`, 5330]
  const program = new URL('readiness-process.ts', import.meta.url).pathname
  const child = start([program, kubeconfig, address, String(port), ...(network ? [network.path] : [])], 'pipe')
  const listening = Promise.withResolvers<void>()
  let programmed = ''
  let changed = Promise.withResolvers<void>()
  createInterface({ input: child.stdout! }).on('line', line => {
    if (line === 'listening') listening.resolve()
    else programmed = line
    changed.resolve()
    changed = Promise.withResolvers()
  })
  await listening.promise
  const socket = createSocket('udp4')
  stack.defer(() => void socket.close())
  socket.connect(port, address)
  await once(socket, 'connect')
  return {
    socket,
    async whenProgrammed(addresses) {
      const wanted = JSON.stringify([...addresses].sort())
      const isSo = (): boolean =>
        JSON.stringify((JSON.parse(programmed.slice('programmed '.length) || '[]') as string[]).sort()) === wanted
      while (!isSo()) await changed.promise
    },
  }
}

async function setReady(number: number, ready: boolean): Promise<void> {
  const status = ready ? 'True' : 'False'
  await client.patch(
    Pod,
    { namespace, name: podName(number) },
    {
      type: 'merge',
      subresource: 'status',
      body: {
        status: {
          phase: 'Running',
          podIP: podAddress(number),
          podIPs: [{ ip: podAddress(number) }],
          conditions: [{ type: 'Ready', status }],
        },
      },
    },
  )
}

async function measure(): Promise<void> {
  const ready = new Set<number>()
  const answered: number[] = []
  const [named, programmed, namedSinceWritten]: number[][] = [[], [], []]
  for (let round = 0; round < ROUNDS; round++) {
    const number = round % PODS
    const isReady = Math.floor(round / PODS) % 2 === 0
    if (isReady) ready.add(number)
    else ready.delete(number)
    const addresses = [...ready].map(podAddress)
    const began = performance.now()
    const elapsed = (): number => performance.now() - began
    const [writtenMs, namedMs, programmedMs] = await Promise.all([
      setReady(number, isReady).then(elapsed),
      Promise.all(machines.map(machine => whenNamed(machine, number, isReady).then(elapsed))),
      Promise.all(isRoot ? machines.map(machine => machine.whenProgrammed(addresses).then(elapsed)) : []),
    ])
    answered.push(writtenMs)
    named!.push(...namedMs)
    namedSinceWritten!.push(...namedMs.map(ms => Math.max(0, ms - writtenMs)))
    programmed!.push(...programmedMs)
    await systemClock.sleep(PAUSE_MS)
  }
  show('readiness answered by the server', answered)
  show(`its name right on each of ${MACHINES} machines`, named!)
  show('  since the server answered that it is written', namedSinceWritten!)
  if (isRoot) show(`its Service right on each of ${MACHINES} machines`, programmed!)
}

/** Asks until the Pod's name has its address, or has none. Looks at the bytes, so that asking costs next to nothing. */
async function whenNamed({ socket }: Machine, number: number, isThere: boolean): Promise<void> {
  const name = `${podName(number)}.web.${namespace}.svc.cluster.local`
  const question = dnsPacket.encode({ type: 'query', id: 1, questions: [{ type: 'A', name }] })
  const address = Buffer.from(podAddress(number).split('.').map(Number))
  for (;;) {
    const answer = await new Promise<Buffer>(resolve => {
      socket.once('message', resolve)
      socket.send(question)
    })
    if ((answer.readUInt16BE(ANSWER_COUNT) === 1 && answer.includes(address)) === isThere) return
    await systemClock.sleep(ASK_INTERVAL_MS)
  }
}

function show(what: string, times: number[]): void {
  times.sort((a, b) => a - b)
  const at = (share: number): string => times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(1)
  console.log(`${what}: median ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms`)
}
