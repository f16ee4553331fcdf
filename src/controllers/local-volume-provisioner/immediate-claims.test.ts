import { expect, test } from 'vitest'
import type { Node } from '../../api/core-v1/types.ts'
import { classOf, nodeOf } from '../../scheduler/fixtures.ts'
import { machineFor } from './immediate-claims.ts'

const readyNode = (name: string, spec: Node['spec'] = {}, labels = {}): Node => {
  const node = nodeOf(name, { spec, labels })
  return { ...node, status: { ...node.status, conditions: [{ type: 'Ready', status: 'True' }] } }
}
const now = classOf('now', { volumeBindingMode: 'Immediate' })

test('the machine with the fewest volumes is chosen, of those with as many the first by name', () => {
  const nodes = ['c', 'b', 'a'].map(name => readyNode(name))
  const counts = new Map([['a', 1]])
  expect(machineFor(now, nodes, counts)?.metadata.name).toBe('b')
  expect(machineFor(now, nodes, new Map())?.metadata.name).toBe('a')
})

test('machines that are not ready, cordoned, tainted or outside of the topologies of the class are left out', () => {
  const taint = { key: 'k', effect: 'NoSchedule' as const }
  const unfit = [nodeOf('a'), readyNode('b', { unschedulable: true }), readyNode('c', { taints: [taint] })]
  expect(machineFor(now, unfit, new Map())).toBeUndefined()
  const zoned = { ...now, allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['z'] }] }] }
  const nodes = [readyNode('a'), readyNode('b', {}, { zone: 'y' }), readyNode('c', {}, { zone: 'z' })]
  expect(machineFor(zoned, nodes, new Map())?.metadata.name).toBe('c')
})
