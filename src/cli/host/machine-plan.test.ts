import { expect, test } from 'vitest'
import { plannedMachines } from './machine-plan.ts'

test('of three machines the first is master and holds the control plane', () => {
  expect(plannedMachines({ nodes: 3, name: [] })).toEqual([
    { name: 'master', isControlPlane: true },
    { name: 'node1', isControlPlane: false },
    { name: 'node2', isControlPlane: false },
  ])
})

test('names that are given come first, in order', () => {
  expect(plannedMachines({ nodes: 3, name: ['a', 'b'] }).map(({ name }) => name)).toEqual(['a', 'b', 'node2'])
})

test.each([
  [{ nodes: 1, name: ['a', 'b'] }, '--name gives 2 names for 1 machine'],
  [{ nodes: 2, name: ['a', 'a'] }, 'two machines are called "a"'],
  [{ nodes: 1, name: ['Not_a_name'] }, '"Not_a_name" cannot be the name of a machine'],
])('%o is refused', (config, message) => {
  expect(() => plannedMachines(config)).toThrow(message)
})
