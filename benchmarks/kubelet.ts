/**
 * How fast Pods come and go on real containers, with the image present:
 *
 *     node benchmarks/kubelet.ts            (as root, where containerd is installed)
 */
import { createServer } from 'node:net'
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
  const pod = await node.untilReady('one')
  await timed('exec', 100, async () => void (await node.exec(pod, 'true')))
  await idle(node)
}

/** The share of a core and the memory of this whole process, API server included, while nothing happens. */
async function idle(node: RealNode): Promise<void> {
  const seconds = 10
  const before = process.cpuUsage()
  await new Promise(resolve => setTimeout(resolve, seconds * 1000))
  const { user, system } = process.cpuUsage(before)
  const share = (user + system) / 1e4 / seconds
  const pods = node.kubelet?.pods?.workers.length ?? 0
  const memory = Math.round(process.memoryUsage().rss / 2 ** 20)
  process.stdout.write(`idle with ${pods} Pods: ${share.toFixed(1)} % of a core, ${memory} MiB with the API server\n`)
}

const keepsAlive = createServer().listen(0) // The clock's timers keep no process alive.
const node = await RealNode.start({ subnet: 83, images: ['busybox'] })
try {
  await measure(node)
} finally {
  await node[Symbol.asyncDispose]()
  keepsAlive.close()
}
