import { expect, test } from 'vitest'
import { imagesNamed, startCluster, statefulSet } from '../../src/testing/testing.ts' // In your project: 'holdfast/testing'

test('a database keeps its disk when it is scaled down and up again', async () => {
  // Given a database that counts on its disk how often it was started
  const images = imagesNamed({
    database: {
      readyMs: 2000,
      onStart: process => {
        const starts = Number(process.readFile('/data/starts') ?? 0) + 1
        process.writeFile('/data/starts', String(starts))
        process.print(`start number ${starts}`)
      },
    },
  })
  await using cluster = await startCluster({ nodes: 3, images })
  await cluster.apply(statefulSet('db', { replicas: 3, image: 'database', claims: ['data'] }))
  await cluster.settle()
  // When
  await cluster.scale('statefulset/db', 2)
  await cluster.settle()
  await cluster.scale('statefulset/db', 3)
  await cluster.settle()
  // Then
  expect(await cluster.podNames()).toEqual(['db-0', 'db-1', 'db-2'])
  const containers = cluster.nodes.flatMap(({ machine }) => machine.runtime.containers)
  const last = containers.find(({ isRunning, parts }) => isRunning && parts.sandbox.pod.name === 'db-2')
  expect(last?.process.readFile('/data/starts')).toBe('2')
})

test('a Pod on a machine that is cut off is not started twice', async () => {
  await using cluster = await startCluster({ nodes: 2 })
  await cluster.apply(statefulSet('db', { replicas: 1 }))
  await cluster.settle()
  const [pod] = await cluster.pods()
  const machine = cluster.node(pod!.spec.nodeName!)
  machine.cut()
  await cluster.advance('1h') // An hour passes in a moment.
  const running = cluster.nodes.flatMap(({ machine: { runtime } }) =>
    runtime.containers.filter(({ isRunning }) => isRunning),
  )
  expect(running).toHaveLength(1)
  machine.heal()
  await cluster.waitFor('db-0 to be ready again', async () =>
    (await cluster.pods()).some(({ status }) =>
      status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    ),
  )
})
