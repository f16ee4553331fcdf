/**
 * How fast Pods come and go on real containers, with the image present:
 *
 *     node benchmarks/kubelet.ts            (as root, where containerd is installed)
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { build } from 'esbuild'
import WebSocket from 'ws'
import { AGENT_NODE_OPTIONS } from '../src/cli/machines/machine-process.ts'
import { connectionOf, parseKubeconfig } from '../src/client/kubeconfig.ts'
import { RealNode } from '../test/kubelet/real-node.ts'

const now = (): number => performance.now()

async function timed(name: string, limitMs: number, work: () => Promise<void>): Promise<void> {
  const startedMs = now()
  await work()
  const tookMs = Math.round(now() - startedMs)
  process.stdout.write(`${tookMs <= limitMs ? 'ok  ' : 'SLOW'} ${name}: ${tookMs} ms (at most ${limitMs} ms)\n`)
}

const stopsAtOnce = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1 & wait; done']
const spec = { containers: [{ name: 'main', image: 'busybox:1.36', command: stopsAtOnce }] }
const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

async function measure(node: RealNode): Promise<void> {
  await node.run('warm', spec)
  await node.untilReady('warm')
  await timed('one Pod from create to Running', 500, async () => {
    await node.run('one', spec)
    await node.untilReady('one')
  })
  await timed('five Pods one after the other', 2000, async () => {
    for (const name of names('ordered', 5)) {
      await node.run(name, spec)
      await node.untilReady(name)
    }
  })
  await timed('five Pods down, one after the other', 3000, async () => {
    for (const name of names('ordered', 5).reverse()) {
      await node.delete(name)
      await node.untilGone(name)
    }
  })
  await timed('twenty Pods at once', 5000, async () => {
    await Promise.all(names('parallel', 20).map(name => node.run(name, spec)))
    await Promise.all(names('parallel', 20).map(name => node.untilReady(name)))
  })
  await execRoundTrip(node)
  await followedLogs(node)
  await forwardedBytes(node)
  const missing = IDLE_PODS - (node.kubelet?.pods?.workers.length ?? 0)
  for (const name of names('idle', missing)) await node.run(name, sleeper)
  for (const name of names('idle', missing)) await node.untilReady(name)
  await idle(node)
}

const IDLE_PODS = 50
const sleeper = { containers: [{ name: 'main', image: 'busybox:1.36', command: ['sleep', '3600'] }] }
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

function verdict(
  name: string,
  value: number,
  limit: { readonly max: number } | { readonly min: number },
  unit: string,
) {
  const isGood = 'max' in limit ? value <= limit.max : value >= limit.min
  const bound = 'max' in limit ? `at most ${limit.max}` : `at least ${limit.min}`
  process.stdout.write(`${isGood ? 'ok  ' : 'SLOW'} ${name}: ${value.toFixed(1)} ${unit} (${bound} ${unit})\n`)
}

/** Where the API server is, and how the administrator proves who they are. */
function access(node: RealNode): { server: string; tls: { ca: string; cert: string; key: string } } {
  const readFile = (path: string): string => readFileSync(path, 'utf8')
  const found = connectionOf(parseKubeconfig(readFile(node.kubeconfig)), { readFile })
  const { certificate, key } = found.clientCertificate!
  return { server: found.server, tls: { ca: found.certificateAuthority!, cert: certificate, key } }
}

/** From the request to the API server until it has told the exit code: what kubectl does, without its start. */
async function execRoundTrip(node: RealNode): Promise<void> {
  const { server, tls } = access(node)
  const url = `${server.replace('https', 'wss')}/api/v1/namespaces/default/pods/one/exec?command=true&stdout=true`
  const tookMs: number[] = []
  for (let round = 0; round < 20; round++) {
    const startedMs = now()
    const socket = new WebSocket(url, ['v5.channel.k8s.io'], tls)
    await once(socket, 'close')
    tookMs.push(now() - startedMs)
  }
  verdict('exec, median of 20', median(tookMs), { max: 100 }, 'ms')
}

/** From the moment that the runtime notes for a line until a follower has it. */
async function followedLogs(node: RealNode): Promise<void> {
  const command = ['sh', '-c', 'trap "exit 0" TERM; while :; do echo line; sleep 0.1; done']
  await node.run('talker', { containers: [{ name: 'main', image: 'busybox:1.36', command }] })
  await node.untilReady('talker')
  const { server, tls } = access(node)
  const path = '/api/v1/namespaces/default/pods/talker/log?follow=true&timestamps=true&tailLines=0'
  const asked = request(`${server}${path}`, tls).end()
  const [answer] = await once(asked, 'response')
  const lateMs: number[] = []
  asked.on('error', () => {}) // The stream is cut below.
  for await (const chunk of answer) {
    for (const line of String(chunk).trimEnd().split('\n')) lateMs.push(Date.now() - Date.parse(line.split(' ')[0]!))
    if (lateMs.length >= 30) break
  }
  verdict('a line of logs -f, median of 30', median(lateMs), { max: 50 }, 'ms')
}

const FORWARDED_MIB = 200

/** A large answer through kubectl port-forward. */
async function forwardedBytes(node: RealNode): Promise<void> {
  const script = `mkdir /www && dd if=/dev/zero of=/www/large bs=1M count=${FORWARDED_MIB} && exec httpd -f -p 80 -h /www`
  const readinessProbe = { tcpSocket: { port: 80 }, periodSeconds: 1 }
  const main = { name: 'main', image: 'busybox:1.36', command: ['sh', '-c', script], readinessProbe }
  await node.run('large', { containers: [main] })
  await node.untilReady('large')
  const child = spawn('kubectl', ['--kubeconfig', node.kubeconfig, 'port-forward', 'large', ':80'])
  const [line] = await once(child.stdout, 'data')
  const port = /127\.0\.0\.1:(\d+)/.exec(String(line))![1]!
  const startedMs = now()
  let bytes = 0
  for await (const chunk of (await fetch(`http://127.0.0.1:${port}/large`)).body!) bytes += chunk.length
  child.kill()
  verdict('port-forward', bytes / 1e6 / ((now() - startedMs) / 1000), { min: 100 }, 'MB/s')
}

const IDLE_SECONDS = 20
const TICKS_PER_SECOND = 100

/**
 * What a kubelet costs while nothing happens: in a process of its own, bundled and started as `holdfast agent` is. Its
 * memory is what nobody shares with it; the program text of Node.js is there once for all processes of the machine.
 */
async function idle(node: RealNode): Promise<void> {
  await node.stopKubelet()
  const bundle = join(node.directory, 'kubelet-process.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'kubelet-process.ts')],
    outfile: bundle,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    external: ['lmdb', 'node', 'listr2'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
  const options = JSON.stringify(await node.kubeletProcessOptions())
  const kubelet = spawn(process.execPath, [...AGENT_NODE_OPTIONS, bundle, options], { stdio: 'inherit' })
  try {
    await seconds(IDLE_SECONDS) // It finds its Pods.
    const before = processorSecondsOf(kubelet.pid!)
    await seconds(IDLE_SECONDS)
    const share = ((processorSecondsOf(kubelet.pid!) - before) / IDLE_SECONDS) * 100
    verdict(`a kubelet with ${IDLE_PODS} idle Pods, of a core`, share, { max: 3 }, '%')
    verdict(`memory of a kubelet with ${IDLE_PODS} idle Pods`, privateMebibytesOf(kubelet.pid!), { max: 60 }, 'MiB')
  } finally {
    kubelet.kill()
    await once(kubelet, 'exit')
    await node.startKubelet()
  }
}

const seconds = (count: number): Promise<void> => new Promise(resolve => setTimeout(resolve, count * 1000))

const privateMebibytesOf = (pid: number): number =>
  Math.round(Number(/^RssAnon:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024)

function processorSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND // utime and stime, proc(5)
}

const node = await RealNode.start({ subnet: 83, images: ['busybox'] })
try {
  await measure(node)
} finally {
  await node[Symbol.asyncDispose]()
}
