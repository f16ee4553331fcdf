/** Walkthrough D with ZooKeeper: three members, a disruption budget, and a drain that keeps a quorum. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manifest, RealCluster } from './real-cluster.ts'

let cluster: RealCluster
beforeAll(async () => {
  cluster = await RealCluster.up({ nodes: 3, images: ['zookeeper'] })
}, 300_000)
afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000)

const client = async (ordinal: number, command: string): Promise<string> => {
  const { out, error } = await cluster.kubectl(`exec zk-${ordinal} -- zkCli.sh -server 127.0.0.1:2181 ${command}`)
  return out + error
}
const modeOf = async (ordinal: number): Promise<string> =>
  /Mode: (\w+)/.exec((await cluster.kubectl(`exec zk-${ordinal} -- sh -c 'echo srvr | nc 127.0.0.1 2181'`)).out)?.[1] ??
  ''

test('three members that start together elect a leader, and what one is told the others know', {
  timeout: 180_000,
}, async () => {
  await cluster.ask('apply -f -', manifest('zookeeper.yaml'))
  await cluster.ask('wait sts/zk --for=jsonpath={.status.availableReplicas}=3 --timeout=120s')
  expect((await Promise.all([0, 1, 2].map(modeOf))).toSorted()).toEqual(['follower', 'follower', 'leader'])
  await client(0, 'create /greeting hello')
  expect(await client(2, 'get /greeting')).toContain('hello')
})

test('draining machines keeps a quorum', { timeout: 180_000 }, async () => {
  const nodeOf = (ordinal: number) => cluster.ask(`get pod zk-${ordinal} -o jsonpath={.spec.nodeName}`)
  const nodes = await Promise.all([0, 1, 2].map(nodeOf))
  const crowded = nodes.find((node, index) => nodes.indexOf(node) !== index)! // Two workers, three members.
  const drained = await cluster.kubectl(`drain ${crowded} --timeout=8s`)
  expect(drained.error).toContain("Cannot evict pod as it would violate the pod's disruption budget.")
  const ready = (await cluster.ask('get pods -l app=zk --no-headers')).match(/1\/1 +Running/g)
  expect(ready).toHaveLength(2)
  const standing = await cluster.ask(
    'get pods -l app=zk -o jsonpath={.items[?(@.status.containerStatuses[0].ready==true)].metadata.name}',
  )
  expect(await client(Number(standing.slice(3, 4)), 'get /greeting')).toContain('hello')
  await cluster.ask(`uncordon ${crowded}`)
  await cluster.ask('wait sts/zk --for=jsonpath={.status.availableReplicas}=3 --timeout=90s')
})
