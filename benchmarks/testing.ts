import { parseArgs } from 'node:util'
import { Node, Pod } from '../src/api/core-v1/types.ts'
import { startCluster, statefulSet } from '../src/testing/testing.ts'

/** Measures the in-process cluster: `node benchmarks/testing.ts`, or a big one: `… --machines 5000 --pods 10000`. */
const { values } = parseArgs({
  options: { machines: { type: 'string', default: '0' }, pods: { type: 'string', default: '0' } },
})

const ROUNDS = 30
const WARM_UP = 10
const HOUR_MS = 3_600_000
/** Replicas of each set of a big cluster. */
const SET_REPLICAS = 100

async function medianOf(name: string, run: () => Promise<void>): Promise<void> {
  const took: number[] = []
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const startedMs = performance.now()
    await run()
    if (round >= WARM_UP) took.push(performance.now() - startedMs)
  }
  took.sort((a, b) => a - b)
  console.log(`${name}: median ${took[ROUNDS / 2]!.toFixed(0)} ms, best ${took[0]!.toFixed(0)} ms`)
}

if (Number(values.machines) > 0) await many(Number(values.machines), Number(values.pods))
else await small()

async function small(): Promise<void> {
  await medianOf('start to first Pod running', async () => {
    await using cluster = await startCluster()
    await cluster.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a' },
      spec: { containers: [{ name: 'a', image: 'a' }] },
    })
    await cluster.waitFor('a to run', async () => (await cluster.pods())[0]?.status.phase === 'Running')
  })

  await medianOf('a StatefulSet test: create 3, update, scale, delete', async () => {
    await using cluster = await startCluster({ nodes: 3 })
    const set = (replicas: number, image: string) =>
      statefulSet('db', { replicas, image, pod: { terminationGracePeriodSeconds: 1 } })
    const areThere = (count: number, image: string) => async () => {
      const pods = await cluster.pods()
      const isRight = (pod: Pod): boolean =>
        pod.spec.containers[0]!.image === image &&
        !pod.metadata.deletionTimestamp &&
        (pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false)
      return pods.length === count && pods.every(isRight)
    }
    await cluster.apply(set(3, 'a'))
    await cluster.waitFor('three Pods', areThere(3, 'a'))
    await cluster.apply(set(3, 'b'))
    await cluster.waitFor('the update', areThere(3, 'b'))
    await cluster.scale('statefulset/db', 1)
    await cluster.waitFor('one Pod', areThere(1, 'b'))
    await cluster.delete('statefulset/db')
    await cluster.waitFor('no Pod', areThere(0, 'b'))
  })
  await hours()
}

async function hours(): Promise<void> {
  await using cluster = await startCluster({ nodes: 3 })
  await cluster.apply(statefulSet('db', { replicas: 3, claims: ['data'] }))
  const startedMs = performance.now()
  const cpu = process.cpuUsage()
  await cluster.advance(2 * HOUR_MS)
  const { user, system } = process.cpuUsage(cpu)
  const seconds = (performance.now() - startedMs) / 1000
  const cpuSeconds = (user + system) / 1e6
  console.log(
    `hours of three machines in a minute: ${((2 * 60) / seconds).toFixed(0)}, of processor time ${((2 * 60) / cpuSeconds).toFixed(0)}`,
  )
}

async function many(machines: number, pods: number): Promise<void> {
  let startedMs = performance.now()
  let cpu = process.cpuUsage()
  const tell = (what: string): void => {
    const { user, system } = process.cpuUsage(cpu)
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    const { rss } = process.memoryUsage()
    console.log(`${what}: ${seconds} s, ${((user + system) / 1e6).toFixed(1)} CPU-s, ${(rss / 2 ** 20).toFixed(0)} MiB`)
    startedMs = performance.now()
    cpu = process.cpuUsage()
  }
  await using cluster = await startCluster({ nodes: machines })
  await cluster.waitFor('machines', async () => {
    const { items } = await cluster.client.list(Node)
    return (
      items.filter(node => node.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))
        .length === machines
    )
  })
  tell(`${machines} machines ready`)
  if (pods === 0) return
  const sets = Array.from({ length: Math.ceil(pods / SET_REPLICAS) }, (_, at) => ({
    name: `set${at}`,
    replicas: Math.min(SET_REPLICAS, pods - at * SET_REPLICAS),
  }))
  const spec = { podManagementPolicy: 'Parallel' } as const
  const pod = { terminationGracePeriodSeconds: 1 }
  await cluster.apply(sets.map(({ name, replicas }) => statefulSet(name, { replicas, spec, pod })))
  const count = async (isCounted: (pod: Pod) => boolean): Promise<number> =>
    (await cluster.client.list(Pod, { namespace: 'default' })).items.filter(isCounted).length
  while ((await count(({ status }) => status.phase === 'Running')) < pods) await cluster.advance(500)
  tell(`${pods} Pods running`)
  for (const { name } of sets) await cluster.delete(`statefulset/${name}`)
  while ((await count(() => true)) > 0) await cluster.advance(500)
  tell(`${pods} Pods deleted`)
}
