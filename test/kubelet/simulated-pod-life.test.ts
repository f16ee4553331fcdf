import { afterAll, beforeAll, describe } from 'vitest'
import type { Pod } from '../../src/api/core-v1/types.ts'
import { type FakeImage, imagesNamed } from '../../src/fakes/machine/fake-image.ts'
import { type PodMachine, type Program, podLifeContract } from './pod-life-contract.ts'
import { SimulatedNode } from './simulated-node.ts'

const WELL_MS = 4000
const PATIENCE_MS = 60_000
const STEP_MS = 100

const images: Readonly<Record<Program, FakeImage>> = {
  runs: {},
  ends: { exitsAfterMs: 200 },
  fails: { exitsAfterMs: 200, exitCode: 3 },
  'is deaf': { ignoresStopSignal: true },
  'is unpullable': { pullError: 'connection refused' },
  'is missing': { startError: 'executable file not found in $PATH' },
  'becomes unwell': {
    onStart: process => void process.clock.schedule(WELL_MS, () => process.writeFile('/tmp/unwell', 'yes')),
    exec: (_command, process) => ({ exitCode: process.readFile('/tmp/unwell') ? 1 : 0, stderr: 'no such file' }),
  },
}
const imageOf = (program: string): string => `${program.replaceAll(' ', '-')}:1`

describe('on a simulated machine', () => {
  let node: SimulatedNode
  let machine: PodMachine

  beforeAll(async () => {
    const named = Object.entries(images).map(([program, image]) => [imageOf(program), image] as const)
    node = await SimulatedNode.start({ images: imagesNamed(Object.fromEntries(named)) })
    machine = {
      client: node.client,
      container: (name, program) => ({ name, image: imageOf(program) }),
      run: (name, spec) => node.run(name, spec),
      delete: (name, gracePeriodSeconds) => node.delete(name, gracePeriodSeconds),
      find: name => node.pod(name),
      until: (name, isWanted, what) => until(name, isWanted, what),
      events: () => node.events(),
    }
  })
  afterAll(() => node[Symbol.asyncDispose]())

  async function until(name: string, isWanted: (pod: Pod | undefined) => boolean, what = 'as wanted') {
    for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += STEP_MS) {
      const pod = await node.pod(name)
      if (isWanted(pod)) return pod
      await node.clock.advance(STEP_MS)
    }
    throw new Error(`pod ${name} is not ${what}: ${JSON.stringify((await node.pod(name))?.status)}`)
  }

  podLifeContract(() => machine)
})
