/** Walkthrough C, D and F on three machines: a Pod on each, an etcd cluster, and machines that fail. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { imageArchive, manifest, RealCluster } from './real-cluster.ts'

let cluster: RealCluster
beforeAll(async () => {
  cluster = await RealCluster.up({ nodes: 3, images: ['nginx', 'etcd'] })
}, 240_000)
afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000)

test('three machines are ready, the first is the control plane', async () => {
  const nodes = await cluster.ask('get nodes')
  expect(nodes).toMatch(/^NAME +STATUS +ROLES +AGE +VERSION\nmaster +Ready +control-plane +\S+ +v1\.36/)
  expect(nodes).toMatch(/node1 +Ready +<none> +/)
  expect(nodes).toMatch(/node2 +Ready +<none> +/)
})

test('a DaemonSet runs on every machine but the tainted one, also on one that joins later', {
  timeout: 180_000,
}, async () => {
  await cluster.ask('apply -f -', manifest('nginx-ds.yaml'))
  await cluster.ask('rollout status ds/nginx-ds --timeout=60s')
  const pods = await cluster.ask(
    "get pods -l k8s-app=nginx -o 'jsonpath={range .items[*]}{.spec.nodeName}={.status.podIP} {end}'",
  )
  const byNode = new Map(
    pods
      .trim()
      .split(' ')
      .map(line => line.split('=') as [string, string]),
  )
  expect([...byNode.keys()].sort()).toEqual(['node1', 'node2'])
  const ranges = [...byNode.values()].map(address => address.split('.')[2])
  expect(new Set(ranges).size).toBe(2)
  const [first] = (await cluster.ask('get pods -l k8s-app=nginx -o name')).split('\n')
  for (const address of byNode.values()) {
    expect(await cluster.ask(`exec ${first} -- wget -qO- http://${address}/`)).toContain('Welcome to nginx!')
  }
  expect((await cluster.holdfast('node', 'add', 'node3')).out).toBe('machine "node3" is ready\n')
  expect((await cluster.holdfast('image', 'load', imageArchive('nginx'), '--node', 'node3')).code).toBe(0)
  await cluster.ask('rollout status ds/nginx-ds --timeout=60s')
  expect(await cluster.ask('get ds nginx-ds')).toMatch(/nginx-ds +3 +3 +3/)
  expect((await cluster.holdfast('node', 'remove', 'node3')).out).toBe('machine "node3" is gone\n')
  await cluster.until(
    'the Pod goes with its machine',
    () => cluster.ask('get ds nginx-ds'),
    text => /nginx-ds +2 +2 +2/.test(text),
  )
  await cluster.ask('delete ds nginx-ds')
})

test('three etcd members find each other although none is ready when the first starts, and one that is killed comes back with its data', {
  timeout: 240_000,
}, async () => {
  await cluster.ask('apply -f -', manifest('etcd.yaml'))
  await cluster.ask('wait sts/etcd --for=jsonpath={.status.availableReplicas}=3 --timeout=120s')
  const endpoints = [0, 1, 2].map(ordinal => `http://etcd-${ordinal}.etcd:2379`).join(',')
  const health = async () =>
    (await cluster.kubectl(`exec etcd-0 -- etcdctl --endpoints=${endpoints} endpoint health`)).error
  expect(
    (
      await cluster.until('all members are healthy', health, text => (text.match(/is healthy/g) ?? []).length === 3)
    ).match(/is healthy/g),
  ).toHaveLength(3)
  await cluster.ask('exec etcd-0 -- etcdctl put greeting hello')
  const uid = await cluster.ask('get pod etcd-1 -o jsonpath={.metadata.uid}')
  await cluster.ask('delete pod etcd-1')
  await cluster.ask('wait sts/etcd --for=jsonpath={.status.availableReplicas}=3 --timeout=120s')
  expect(await cluster.ask('get pod etcd-1 -o jsonpath={.metadata.uid}')).not.toBe(uid)
  expect(await cluster.ask('exec etcd-1 -- etcdctl get greeting')).toBe('greeting\nhello\n')
  await cluster.until('all members are healthy again', health, text => (text.match(/is healthy/g) ?? []).length === 3)
})
