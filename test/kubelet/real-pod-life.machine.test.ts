import { afterAll, beforeAll } from 'vitest'
import type { Container } from '../../src/api/core-v1/types.ts'
import { describeAsRoot } from '../needs-root.ts'
import { type PodMachine, type Program, podLifeContract } from './pod-life-contract.ts'
import { RealNode } from './real-node.ts'

const waiting = 'while true; do sleep 0.1; done'
const scripts: Readonly<Partial<Record<Program, string>>> = {
  runs: `trap exit TERM; ${waiting}`,
  ends: 'sleep 0.2',
  fails: 'sleep 0.2; exit 3',
  'is deaf': `trap '' TERM; ${waiting}`,
  'becomes unwell': `trap exit TERM; touch /tmp/well; sleep 4; rm /tmp/well; ${waiting}`,
}

const containerOf = (name: string, program: Program): Container => {
  if (program === 'is unpullable') return { name, image: '127.0.0.1:9/nothing:1' }
  const script = scripts[program]
  const command = script === undefined ? ['nosuch'] : ['sh', '-c', script]
  return { name, image: 'busybox:1.36', command }
}

describeAsRoot('on a real machine', () => {
  let node: RealNode
  let machine: PodMachine

  beforeAll(async () => {
    node = await RealNode.start({ subnet: 90, images: ['busybox'] })
    machine = {
      client: node.client,
      container: containerOf,
      run: (name, spec) => node.run(name, spec),
      delete: name => node.delete(name),
      find: name => node.find(name),
      until: (name, isWanted, what) => node.until(name, isWanted, what),
      events: () => node.events(),
    }
  }, 120_000)
  afterAll(() => node?.[Symbol.asyncDispose](), 60_000)

  podLifeContract(() => machine)
})
