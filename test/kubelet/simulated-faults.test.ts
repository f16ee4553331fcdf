import { expect, test } from 'vitest'
import { seededRandom } from '../../src/fakes/seeded-random.ts'
import { integerBelow, type Random } from '../../src/machinery/random.ts'
import { SimulatedNode } from './simulated-node.ts'

const NAMES = ['db-0', 'db-1', 'db-2']
const SEEDS = Array.from({ length: 25 }, (_, index) => index + 1)

const pick = <T>(random: Random, choices: readonly T[]): T => choices[integerBelow(random, choices.length)]!

type Fault = (node: SimulatedNode, random: Random) => Promise<void>

const faults: readonly Fault[] = [
  async (node, random) =>
    void (await node.run(pick(random, NAMES), { terminationGracePeriodSeconds: 3 }).catch(() => {})), // Taken.
  async (node, random) => void (await node.delete(pick(random, NAMES)).catch(() => {})), // Not there.
  async (node, random) => void (await node.delete(pick(random, NAMES), 0).catch(() => {})),
  async node => {
    await node.stopKubelet()
    node.startKubelet()
  },
  async node => {
    node.machine.runtime.isDown = true
    await node.clock.advance(3000)
    node.machine.runtime.isDown = false
  },
  async (node, random) => {
    const running = node.machine.runtime.containers.filter(({ isRunning }) => isRunning)
    if (running.length > 0) pick(random, running).kill()
  },
  async (node, random) => {
    await node.stopKubelet()
    const name = pick(random, NAMES)
    await node.delete(name, 0).catch(() => {}) // Not there.
    await node.run(name).catch(() => {}) // Taken.
    node.startKubelet()
  },
  async node => {
    await node.stopKubelet()
    node.machine.reboot()
    node.startKubelet()
  },
]

/** Of one name at most one Pod runs at any time, whatever happens to it. */
function checkAtMostOne(node: SimulatedNode): void {
  const owners = new Map<string, string>()
  for (const { isRunning, parts } of node.machine.runtime.containers) {
    if (!isRunning) continue
    const { name, uid } = parts.sandbox.pod
    expect(owners.get(name) ?? uid, `two Pods named ${name} run`).toBe(uid)
    owners.set(name, uid)
  }
}

test.each(SEEDS)('seed %i: no name runs twice, every Pod recovers, and nothing is left behind', async seed => {
  const random = seededRandom(seed)
  await using node = await SimulatedNode.start({ images: () => ({ stopMs: integerBelow(random, 2) * 5000 }) })
  for (let step = 0; step < 40; step++) {
    await pick(random, faults)(node, random)
    await node.clock.advance(integerBelow(random, 4000))
    checkAtMostOne(node)
  }
  await node.clock.advance(400_000)
  for (const name of NAMES) if (await node.pod(name)) expect(await node.state(name)).toBe('Ready')

  for (const name of NAMES) await node.delete(name).catch(() => {}) // Not there.
  await node.clock.advance(120_000)
  expect(node.machine.runtime.containers).toEqual([])
  expect(node.machine.runtime.sandboxCount).toBe(0)
  expect(await node.machine.doors.cgroups.list()).toEqual([])
  expect(await node.machine.disk.listDirectory('/var/lib/holdfast/kubelet/pods')).toEqual([])
})
