/** `kill -9` of the server, of containerd and of shims while a set scales and updates. More of it: PROCESS_FAULT_ROUNDS=100. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededRandom } from '../../src/fakes/seeded-random.ts'
import { integerBelow } from '../../src/machinery/random.ts'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { describeAsRoot } from '../needs-root.ts'
import { RealCluster } from '../walkthroughs/real-cluster.ts'
import { MachineRemains } from './machine-remains.ts'

const ROUNDS = Number(process.env.PROCESS_FAULT_ROUNDS ?? 4)
const SEED = Number(process.env.PROCESS_FAULT_SEED ?? 11)
const ROUND_TIMEOUT_MS = 60_000
/** Within this time after a change the fault happens: while Pods come and go. */
const FAULT_DELAY_MS_MAX = 2000

const SET = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'db' },
  spec: {
    serviceName: 'db',
    replicas: 2,
    selector: { matchLabels: { app: 'db' } },
    template: {
      metadata: { labels: { app: 'db' } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: 'main',
            image: 'busybox:1.36',
            command: ['sh', '-c', 'trap exit TERM; while true; do sleep 0.2; done'],
            volumeMounts: [{ name: 'memory', mountPath: '/memory' }],
          },
        ],
        volumes: [{ name: 'memory', emptyDir: { medium: 'Memory' } }],
      },
    },
  },
}

interface SeenSet {
  readonly metadata: { readonly generation: number }
  readonly spec: { readonly replicas: number }
  readonly status: Readonly<Record<string, number | string | undefined>>
}

describeAsRoot(`processes of a cluster are killed (seed ${SEED})`, () => {
  const random = seededRandom(SEED)
  let cluster: RealCluster
  let remains: MachineRemains
  let shimKills = 0

  beforeAll(async () => {
    cluster = await RealCluster.up({ images: ['busybox'] })
    remains = new MachineRemains(cluster.dataDir)
    await cluster.ask('create -f -', JSON.stringify(SET))
    await settled()
  }, 180_000)
  afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000)

  const pick = <T>(choices: readonly T[]): T => choices[integerBelow(random, choices.length)]!

  const kill = (pids: readonly number[]): void => {
    for (const pid of pids) process.kill(pid, 'SIGKILL')
  }

  const startAgain = async (): Promise<void> => {
    const { code, out, error } = await cluster.holdfast('up', '--config', `${cluster.dataDir}/config.json`)
    expect(code, out + error).toBe(0)
  }

  const settled = (when = 'start'): Promise<SeenSet> =>
    cluster.until(
      `the set is as wanted (${when})`,
      async () => JSON.parse(await cluster.ask('get sts db -o json')) as SeenSet,
      ({ metadata: { generation }, spec: { replicas }, status }) =>
        status.observedGeneration === generation &&
        status.replicas === replicas &&
        (status.availableReplicas ?? 0) === replicas &&
        status.currentRevision === status.updateRevision,
      ROUND_TIMEOUT_MS,
    )

  const faults: Readonly<Record<string, () => Promise<void>>> = {
    server: async () => {
      kill(remains.serverPids)
      await startAgain()
    },
    containerd: async () => kill(remains.containerdPids),
    shim: async () => {
      const shims = remains.shimPids
      if (shims.length === 0) return
      shimKills++
      kill([pick(shims)])
    },
    'server and containerd': async () => {
      kill([...remains.serverPids, ...remains.containerdPids])
      await startAgain()
    },
  }

  test('the set always comes to what is wanted, no container restarts without need, and nothing is left in the end', {
    timeout: (ROUNDS + 2) * ROUND_TIMEOUT_MS,
  }, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await cluster.ask(
        round % 2 === 0 ? `scale sts db --replicas=${1 + integerBelow(random, 4)}` : `set env sts/db ROUND=${round}`,
      )
      await systemClock.sleep(integerBelow(random, FAULT_DELAY_MS_MAX)) // A moment of its own, not a wait for something.
      const fault = Object.keys(faults)[round % 4]!
      await faults[fault]!()
      const { spec } = await settled(`round ${round}, ${fault}`)
      const pods = await cluster.ask(
        'get pods -l app=db -o jsonpath={.items[*].status.containerStatuses[0].restartCount}',
      )
      const restarts = pods.split(' ').reduce((sum, count) => sum + Number(count), 0)
      expect(restarts, `round ${round}, ${fault}`).toBeLessThanOrEqual(shimKills)
      await cluster.until(
        `each of ${spec.replicas} Pods runs once (round ${round}, ${fault})`,
        async () => remains.shims(),
        ({ length }) => length === spec.replicas,
      )
    }
    await cluster.ask('delete sts db')
    await cluster.ask('wait pod -l app=db --for=delete --timeout=60s')
    await cluster.until(
      'nothing is left',
      async () => remains.all(),
      found => found.length === 0,
      20_000,
    )
  })
})
