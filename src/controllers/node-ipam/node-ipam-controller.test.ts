import { expect, test } from 'vitest'
import { Node } from '../../api/core-v1/types.ts'
import { controllerComponent } from '../../client/run-controller.ts'
import { nodeOf, TestWorld } from '../../scheduler/fixtures.ts'
import { nodeIpamController } from './node-ipam-controller.ts'

async function startWorld(nodePrefix: number): Promise<TestWorld> {
  const world = new TestWorld()
  const definition = nodeIpamController({ clusterRange: '10.244.0.0/16', nodePrefix })
  await world.start(controllerComponent(definition, world.dependencies()))
  return world
}

const rangesIn = async (world: TestWorld): Promise<readonly (string | undefined)[]> =>
  (await world.client.list(Node)).items.map(({ spec }) => spec.podCIDR)

test('machines that come in one moment get ranges of their own', async () => {
  await using world = await startWorld(24)
  await Promise.all(Array.from({ length: 40 }, (_, at) => world.client.create(Node, nodeOf(`n${at}`))))
  await world.rest()
  const ranges = await rangesIn(world)
  expect(new Set(ranges).size).toBe(40)
  expect(ranges).not.toContain(undefined)
})

test('a machine without a range gets that of one that goes', async () => {
  await using world = await startWorld(17)
  for (const name of ['a', 'b', 'c']) await world.client.create(Node, nodeOf(name))
  await world.rest()
  expect(await rangesIn(world)).toEqual(['10.244.0.0/17', '10.244.128.0/17', undefined])
  await world.client.delete(Node, { name: 'a' })
  await world.rest()
  expect(await rangesIn(world)).toEqual(['10.244.128.0/17', '10.244.0.0/17'])
})

test('a range that a machine brings along is not given to another', async () => {
  await using world = await startWorld(24)
  const own = nodeOf('own')
  await world.client.create(Node, {
    ...own,
    spec: { ...own.spec, podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] },
  })
  await world.client.create(Node, nodeOf('other'))
  await world.rest()
  expect(await rangesIn(world)).toEqual(['10.244.0.0/24', '10.244.1.0/24'])
})
