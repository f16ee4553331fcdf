import { expect, test } from 'vitest'
import { seededRandom } from '../fakes/seeded-random.ts'
import { ClusterState } from './cluster-state.ts'
import { refusalText, SchedulingCycle, sampleSizeOf } from './cycle.ts'
import { nodeOf, podOf } from './fixtures.ts'
import type { NodeInfo } from './node-info.ts'
import type { Plugin } from './plugin.ts'
import { podInfoOf } from './pod-info.ts'

function cycleOver(nodeNames: readonly string[], plugins: readonly Plugin[], seed = 1) {
  const state = new ClusterState(() => undefined)
  for (const name of nodeNames) state.setNode(nodeOf(name))
  return new SchedulingCycle({ state, plugins, random: seededRandom(seed) })
}
const names = (count: number) => Array.from({ length: count }, (_, index) => `node-${index}`)
const refusing = (name: string, reasonFor: (node: NodeInfo) => string | undefined): Plugin => ({
  name,
  filterFor: () => ({ kind: 'where', refusalOf: reasonFor }),
})

test('small clusters are searched whole, large ones by a share that shrinks to five per cent', () => {
  expect([1, 100, 1000, 5000, 6250, 20_000].map(sampleSizeOf)).toEqual([1, 100, 420, 500, 312, 1000])
})

test('all machines have their turn', () => {
  const cycle = cycleOver(names(200), [])
  const used = new Set<string>()
  for (let i = 0; i < 2000; i++) {
    const decision = cycle.decide(podInfoOf(podOf(`pod-${i}`)))
    if (decision.kind === 'placed') used.add(decision.node.name)
  }
  expect(used.size).toBe(200)
})

test('the same seed decides alike, another one otherwise', () => {
  const choices = (seed: number) => {
    const cycle = cycleOver(names(50), [], seed)
    return names(20).map(name => {
      const decision = cycle.decide(podInfoOf(podOf(name)))
      return decision.kind === 'placed' && decision.node.name
    })
  }
  expect(choices(7)).toEqual(choices(7))
  expect(choices(7)).not.toEqual(choices(8))
})

test('the first plugin that refuses a machine is the one that is heard', () => {
  const cycle = cycleOver(names(3), [
    refusing('First', ({ name }) => (name === 'node-0' ? 'first reason' : undefined)),
    refusing('Second', () => 'second reason'),
  ])
  const decision = cycle.decide(podInfoOf(podOf('web-0')))
  if (decision.kind === 'placed') throw new Error('it fits nowhere')
  expect(refusalText(decision.refusal)).toBe('0/3 nodes are available: 1 first reason, 2 second reason.')
  expect([...decision.refusal.plugins].sort()).toEqual(['First', 'Second'])
})

test('scores are weighed, and the best machine wins', () => {
  const scoring = (name: string, weight: number, best: string): Plugin => ({
    name,
    weight,
    scorerFor: () => ({ scoreOf: node => (node.name === best ? 100 : 0) }),
  })
  const cycle = cycleOver(names(3), [scoring('Light', 1, 'node-0'), scoring('Heavy', 2, 'node-2')])
  expect(cycle.decide(podInfoOf(podOf('web-0')))).toMatchObject({ kind: 'placed', node: { name: 'node-2' } })
})

test('when few machines come into question only they are asked, and all are when none of them fits', () => {
  const asked: string[] = []
  const cycle = cycleOver(names(10), [
    {
      name: 'Few',
      filterFor: () => ({ kind: 'where', refusalOf: () => undefined, among: ({ name }) => name === 'node-3' }),
    },
    refusing('Counting', ({ name }) => {
      asked.push(name)
      return asked.length > 1 ? 'taken' : undefined
    }),
  ])
  expect(cycle.decide(podInfoOf(podOf('a')))).toMatchObject({ kind: 'placed', node: { name: 'node-3' } })
  expect(asked).toEqual(['node-3'])
  const second = cycle.decide(podInfoOf(podOf('b')))
  expect(second.kind === 'refused' && refusalText(second.refusal)).toBe('0/10 nodes are available: 10 taken.')
})
