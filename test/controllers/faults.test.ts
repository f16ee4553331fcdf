import { expect, test } from 'vitest'
import { DaemonSet, Deployment, ReplicaSet } from '../../src/api/apps-v1/types.ts'
import { ConfigMap, Endpoints, Namespace, Pod, Service, ServiceAccount } from '../../src/api/core-v1/types.ts'
import { EndpointSlice } from '../../src/api/discovery-v1/types.ts'
import type { Kind } from '../../src/api/kind.ts'
import { PodDisruptionBudget } from '../../src/api/policy-v1/types.ts'
import { integerBelow } from '../../src/machinery/random.ts'
import { FaultyWorld } from './faulty-world.ts'

/** `SEEDS=2000 vitest run test/controllers/faults.test.ts` tries more; `FIRST_SEED` says from where. */
const SEEDS = Number(process.env.SEEDS ?? 5)
const FIRST_SEED = Number(process.env.FIRST_SEED ?? 1)
const seeds = Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index)

const namespace = 'default'
const labels = { app: 'web' }
const template = (image: string, of: Record<string, string> = labels) => ({
  metadata: { labels: of },
  spec: { containers: [{ name: 'main', image }], terminationGracePeriodSeconds: 1 },
})

async function createAll({ client }: FaultyWorld): Promise<void> {
  const selector = { matchLabels: labels }
  const daemons = { app: 'agent' }
  await client.create(Deployment, {
    metadata: { name: 'web', namespace },
    spec: { replicas: 3, selector, template: template('v0') },
  })
  await client.create(DaemonSet, {
    metadata: { name: 'agent', namespace },
    spec: { selector: { matchLabels: daemons }, template: template('v0', daemons) },
  })
  await client.create(Service, {
    metadata: { name: 'web', namespace },
    spec: { clusterIP: 'None', selector: labels, ports: [{ name: 'http', port: 80 }] },
  })
  await client.create(PodDisruptionBudget, {
    metadata: { name: 'web', namespace },
    spec: { selector, maxUnavailable: 1 },
  })
}

/** Scales, updates, deletes and takes the lead away at random moments. Answers what is wanted in the end. */
async function disturb(world: FaultyWorld): Promise<{ replicas: number; image: string }> {
  const { client, random, clock } = world
  let wanted = { replicas: 3, image: 'v0' }
  for (let change = 0; change < 6; change++) {
    await clock.advance(integerBelow(random, 15_000))
    wanted = { replicas: 1 + integerBelow(random, 6), image: `v${integerBelow(random, 3)}` }
    const body = { spec: { replicas: wanted.replicas, template: template(wanted.image) } }
    await client.patch(Deployment, { namespace, name: 'web' }, { type: 'strategic', body })
    const { items } = await client.list(Pod, { namespace })
    const victim = items[integerBelow(random, Math.max(1, items.length))]
    if (random.float() < 0.3) world.changeLeader()
    if (victim) await client.delete(Pod, { namespace, name: victim.metadata.name }).catch(() => {})
  }
  return wanted
}

test.each(seeds)('whatever fails in between, the world becomes what was asked for (seed %i)', async seed => {
  await using world = await FaultyWorld.start(seed)
  const { client } = world
  await createAll(world)
  const wanted = await disturb(world)
  await world.recover()

  expect(world.violations).toEqual([])
  const pods = (await client.list(Pod, { namespace })).items
  const web = pods.filter(({ metadata }) => metadata.labels?.app === 'web')
  expect(web.map(({ spec }) => spec.containers[0]!.image)).toEqual(
    Array.from({ length: wanted.replicas }, () => wanted.image),
  )
  const agents = pods.filter(({ metadata }) => metadata.labels?.app === 'agent')
  expect(agents.map(({ spec }) => spec.nodeName).sort()).toEqual(['n1', 'n2'])

  const { status } = await client.get(Deployment, { namespace, name: 'web' })
  expect(status).toMatchObject({
    replicas: wanted.replicas,
    availableReplicas: wanted.replicas,
    updatedReplicas: wanted.replicas,
  })
  const sets = (await client.list(ReplicaSet, { namespace })).items
  expect(sets.filter(({ spec }) => spec.replicas !== 0)).toHaveLength(1)
  expect(new Set(sets.map(({ spec }) => spec.template?.spec?.containers[0]?.image)).size).toBe(sets.length)

  const addresses = web.map(pod => pod.status.podIP).sort()
  const slices = (await client.list(EndpointSlice, { namespace })).items
  expect(slices.flatMap(({ endpoints = [] }) => endpoints.flatMap(endpoint => endpoint.addresses)).sort()).toEqual(
    addresses,
  )
  const { subsets = [] } = await client.get(Endpoints, { namespace, name: 'web' })
  expect(subsets.flatMap(subset => (subset.addresses ?? []).map(({ ip }) => ip)).sort()).toEqual(addresses)
  const budget = await client.get(PodDisruptionBudget, { namespace, name: 'web' })
  expect(budget.status).toMatchObject({ currentHealthy: wanted.replicas, expectedPods: wanted.replicas })
})

test.each(seeds)('deletions end, whatever fails in between (seed %i)', async seed => {
  await using world = await FaultyWorld.start(seed)
  const { client, random, clock } = world
  await createAll(world)
  await client.create(ConfigMap, { metadata: { name: 'left', namespace: 'demo' } })
  await clock.advance(integerBelow(random, 10_000))
  const policies = ['Foreground', 'Background'] as const
  await client.delete(Deployment, { namespace, name: 'web' }, { propagationPolicy: policies[integerBelow(random, 2)]! })
  await client.delete(
    DaemonSet,
    { namespace, name: 'agent' },
    { propagationPolicy: policies[integerBelow(random, 2)]! },
  )
  await client.delete(Service, { namespace, name: 'web' })
  await client.delete(Namespace, { name: 'demo' })
  await world.recover()

  for (const kind of [Pod, ReplicaSet, Deployment, DaemonSet, EndpointSlice, Endpoints] as readonly Kind[]) {
    expect((await client.list(kind, { namespace })).items).toEqual([])
  }
  expect(await client.find(Namespace, { name: 'demo' })).toBeUndefined()
  expect(await client.find(ServiceAccount, { namespace, name: 'default' })).toBeDefined()
})
