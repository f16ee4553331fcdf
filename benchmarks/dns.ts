/**
 * In-cluster answers over UDP from one process on one core, measured with dnsperf, beside dnsmasq in the same run when it
 * is installed: `node benchmarks/dns.ts [seconds]`. Needs dnsperf. Prints one line for each run.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Service } from '../src/api/core-v1/types.ts'
import { EndpointSlice } from '../src/api/discovery-v1/types.ts'
import { dnsServer } from '../src/dns/dns-server.ts'
import { nodeUpstream } from '../src/dns/forward/node-upstream.ts'
import { nodeDnsSockets } from '../src/dns/server/node-dns-sockets.ts'
import { silentLogger } from '../src/machinery/logger.ts'
import { systemClock } from '../src/machinery/system-clock.ts'
import { systemRandom } from '../src/machinery/system-random.ts'
import { HandFedInformers } from '../test/network/hand-fed-informers.ts'
import { endpoint, headlessObject, serviceObject, sliceObject } from '../test/network/objects.ts'

const ADDRESS = '127.0.53.20'
const PORT = 5320
const SERVICES = 1000
const run = promisify(execFile)

async function serve(): Promise<void> {
  const cluster = new HandFedInformers().sync()
  for (let i = 0; i < SERVICES; i++) {
    cluster.set(
      Service,
      i % 2 ? headlessObject(`s${i}`) : serviceObject(`s${i}`, { spec: { clusterIP: `10.96.${i >> 8}.${i & 255}` } }),
    )
    const peers = Array.from({ length: 10 }, (_, ordinal) =>
      endpoint(`10.244.${i >> 5}.${ordinal}`, `s${i}-${ordinal}`),
    )
    cluster.set(EndpointSlice, sliceObject(`s${i}`, peers))
  }
  const doors = { sockets: nodeDnsSockets(), upstream: nodeUpstream, readResolvConf: async () => '' }
  const server = dnsServer(
    { informers: cluster, clock: systemClock, random: systemRandom, logger: silentLogger, ...doors },
    { addresses: [ADDRESS], port: PORT, podRange: '10.244.0.0/16', serviceRange: '10.96.0.0/12' },
  )
  const stop = new AbortController()
  process.on('SIGTERM', () => stop.abort(new Error('stopped')))
  const running = server.run(stop.signal)
  await server.whenListening()
  process.stdout.write('listening\n')
  await running
}

async function measure(seconds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-dns-'))
  try {
    const queries = join(folder, 'queries')
    await writeFile(queries, queryLines())
    const child = spawn('taskset', ['-c', '0', process.execPath, import.meta.filename, 'serve'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout!, 'data')
    const before = await cpuSecondsOf(child)
    console.log(
      'holdfast, full load:',
      await dnsperf(ADDRESS, PORT, queries, ['-l', String(seconds), '-c', '8', '-q', '200']),
    )
    console.log(`holdfast used ${((await cpuSecondsOf(child)) - before).toFixed(2)} seconds of its core for that`)
    console.log(
      'holdfast, 15,000/s: ',
      await dnsperf(ADDRESS, PORT, queries, ['-l', String(seconds), '-c', '8', '-Q', '15000', '-v']),
    )
    await ended(child)
    await measureDnsmasq(folder, queries, seconds)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const queryLines = (): string =>
  Array.from({ length: SERVICES }, (_, i) =>
    i % 2
      ? `s${i}-${i % 10}.s${i}.default.svc.cluster.local A\ns${i}.default.svc.cluster.local SRV\n`
      : `s${i}.default.svc.cluster.local A\ns${i}.default.svc.cluster.local AAAA\n`,
  ).join('')

async function measureDnsmasq(folder: string, queries: string, seconds: number): Promise<void> {
  const hosts = join(folder, 'hosts')
  const lines = Array.from({ length: SERVICES }, (_, i) => `10.96.${i >> 8}.${i & 255} s${i}.default.svc.cluster.local`)
  await writeFile(hosts, lines.join('\n'))
  const flags = [
    '-k',
    '-p',
    '5321',
    '-a',
    ADDRESS,
    '-z',
    '-h',
    '-R',
    '-C',
    '/dev/null',
    '-u',
    'root',
    `--addn-hosts=${hosts}`,
    '--local=/cluster.local/',
  ]
  const child = spawn('taskset', ['-c', '0', 'dnsmasq', ...flags], { stdio: 'ignore' })
  await Promise.race([once(child, 'exit'), systemClock.sleep(1000)])
  if (child.exitCode !== null) return console.log('dnsmasq: not installed')
  console.log(
    'dnsmasq, full load: ',
    await dnsperf(ADDRESS, 5321, queries, ['-l', String(seconds), '-c', '8', '-q', '200']),
  )
  await ended(child)
}

async function dnsperf(address: string, port: number, queries: string, args: string[]): Promise<string> {
  const target = ['-s', address, '-p', String(port), '-d', queries]
  const { stdout } = await run('dnsperf', [...target, ...args], { maxBuffer: 2 ** 30 })
  const value = (label: string): string => new RegExp(`${label}:\\s+(.*)`).exec(stdout)?.[1]?.trim() ?? '?'
  const latencies = [...stdout.matchAll(/^> \w+ \S+ \w+ ([\d.]+)$/gm)]
    .map(([, seconds]) => Number(seconds))
    .sort((a, b) => a - b)
  const p99 =
    latencies.length > 0 ? `, p99 ${(latencies[Math.floor(latencies.length * 0.99)]! * 1000).toFixed(2)} ms` : ''
  return `${value('Queries per second')} answers/s, lost ${value('Queries lost')}${p99}`
}

/** User and system time (proc(5), fields 14 and 15): on a busy machine it says more than the clock. */
async function cpuSecondsOf({ pid }: ChildProcess): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  await once(child, 'exit')
}

if (process.argv[2] === 'serve') await serve()
else await measure(Number(process.argv[2] ?? 5))
