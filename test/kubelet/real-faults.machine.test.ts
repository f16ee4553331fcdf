import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededRandom } from '../../src/fakes/seeded-random.ts'
import { integerBelow } from '../../src/machinery/random.ts'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { describeAsRoot } from '../needs-root.ts'
import { isReady, RealNode } from './real-node.ts'

const NAMES = ['db-0', 'db-1', 'db-2']
const ROUNDS = 6

describeAsRoot('whatever is killed on a real machine', () => {
  let node: RealNode

  beforeAll(async () => {
    node = await RealNode.start({ subnet: 84, images: ['busybox'] })
  }, 120_000)

  afterAll(async () => {
    await node?.[Symbol.asyncDispose]()
  }, 60_000)

  const faults: readonly (() => Promise<void>)[] = [
    async () => void process.kill(await node.containerdPid(), 'SIGKILL'),
    async () => {
      const [shim] = await node.shimPids()
      if (shim) process.kill(shim, 'SIGKILL')
    },
    async () => {
      await node.stopKubelet()
      await node.startKubelet()
    },
  ]

  test('every Pod comes back, and when all are deleted nothing is left', { timeout: 180_000 }, async () => {
    const random = seededRandom(7)
    const command = ['sh', '-c', 'trap exit TERM; while true; do sleep 0.1; done']
    const spec = { containers: [{ name: 'main', image: 'busybox:1.36', command }] }
    for (let round = 0; round < ROUNDS; round++) {
      const name = NAMES[round % NAMES.length]!
      if (await node.find(name)) {
        await node.delete(name)
        await faults[integerBelow(random, faults.length)]!()
        await node.untilGone(name)
      }
      await node.run(name, spec)
      await faults[integerBelow(random, faults.length)]!()
      await node.untilReady(name)
    }
    for (const name of NAMES) await node.until(name, isReady, 'ready in the end')

    const uids = await Promise.all(NAMES.map(async name => (await node.find(name))!.metadata.uid))
    for (const name of NAMES) await node.delete(name)
    for (const name of NAMES) await node.untilGone(name)
    for (const uid of uids) await node.untilForgotten(uid)
    await expect.poll(() => node.leftovers(), { timeout: 10_000 }).toEqual([]) // A shim ends a moment after its Pod.
  })

  test('containerd that is killed while it makes sandboxes leaves nothing of them', { timeout: 180_000 }, async () => {
    for (let round = 0; round < 5; round++) {
      const name = `half-${round}`
      await node.run(name)
      await expect.poll(() => node.networkNamespaces(), { interval: 1, timeout: 10_000 }).not.toEqual([])
      await systemClock.sleep(round * 20) // Another moment of its making each time.
      process.kill(await node.containerdPid(), 'SIGKILL')
      await node.untilReady(name)
      await node.delete(name)
      await node.untilGone(name)
      await expect.poll(() => node.leftovers(), { timeout: 10_000 }).toEqual([])
    }
  })
})
