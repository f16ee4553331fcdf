/** Walkthrough C, D and F on three machines: a Pod on each, an etcd cluster, and machines that fail. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { imageArchive, RealCluster } from './real-cluster.ts'

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

/** Which DaemonSet Pods run where, by the table that a user sees. */
async function daemonPods(): Promise<ReadonlyMap<string, { readonly pod: string; readonly address: string }>> {
  const [heading = '', ...rows] = (await cluster.ask('get pods -l k8s-app=nginx -o wide')).trim().split('\n')
  expect(heading).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES$/)
  const cells = rows.map(row => row.split(/ {2,}/))
  return new Map(cells.map(([pod = '', , , , , address = '', node = '']) => [node, { pod, address }]))
}

const allRun = () => cluster.ask('rollout status ds/nginx-ds --timeout=60s')

test('a DaemonSet runs on every machine but the tainted one, also on one that joins later', {
  timeout: 180_000,
}, async () => {
  expect(await cluster.ask('apply -f nginx-ds.yaml')).toContain('daemonset.apps/nginx-ds created\n')
  await allRun()
  const pods = await daemonPods()
  expect([...pods.keys()].sort()).toEqual(['node1', 'node2'])
  const addresses = [...pods.values()].map(({ address }) => address)
  expect(new Set(addresses.map(address => address.split('.').slice(0, 3).join('.'))).size).toBe(2)
  for (const { pod } of pods.values()) {
    for (const host of [...addresses, 'nginx-ds', 'nginx-ds.default.svc.cluster.local'])
      expect(await cluster.ask(`exec ${pod} -- wget -qO- http://${host}/`)).toContain('Welcome to nginx!')
  }
  expect((await cluster.holdfast('node', 'add', 'node3')).out).toBe('machine "node3" is ready\n')
  expect((await cluster.holdfast('image', 'load', imageArchive('nginx'), '--node', 'node3')).code).toBe(0)
  await allRun()
  expect([...(await daemonPods()).keys()].sort()).toEqual(['node1', 'node2', 'node3'])
  expect((await cluster.holdfast('node', 'remove', 'node3')).out).toBe('machine "node3" is gone\n')
  await cluster.until(
    'the Pod goes with its machine',
    async () => [...(await daemonPods()).keys()].sort().join(),
    machines => machines === 'node1,node2',
    90_000,
  )
  expect(await cluster.ask('get ds nginx-ds')).toMatch(/nginx-ds +2 +2 +2/)
})

test('cordoning a machine changes nothing for a DaemonSet, not even for a Pod that is made anew', {
  timeout: 90_000,
}, async () => {
  expect(await cluster.ask('cordon node2')).toBe('node/node2 cordoned\n')
  expect(await cluster.ask('get node node2')).toMatch(/node2 +Ready,SchedulingDisabled +/)
  const before = (await daemonPods()).get('node2')!.pod
  await cluster.ask(`delete pod ${before}`)
  await cluster.until('it is replaced', daemonPods, pods => ![before, undefined].includes(pods.get('node2')?.pod))
  await allRun()
  await cluster.ask('uncordon node2')
  expect([...(await daemonPods()).keys()].sort()).toEqual(['node1', 'node2'])
})

test('when a DaemonSet is deleted all its Pods go', { timeout: 60_000 }, async () => {
  expect(await cluster.ask('delete ds nginx-ds')).toBe('daemonset.apps "nginx-ds" deleted\n')
  await cluster.until(
    'none is left',
    () => cluster.kubectl('get pods -l k8s-app=nginx'),
    ({ error }) => error === 'No resources found in default namespace.\n',
  )
})

const membersOf = (ordinals: readonly number[]) => ordinals.map(ordinal => `http://etcd-${ordinal}.etcd:2379`).join(',')
const healthOf = async (ordinals: readonly number[]) =>
  (await cluster.kubectl(`exec etcd-0 -- etcdctl --endpoints=${membersOf(ordinals)} endpoint health`)).error

test('three etcd members find each other although none is ready when the first starts, and one that is killed comes back with its data', {
  timeout: 240_000,
}, async () => {
  await cluster.ask('apply -f etcd.yaml')
  await cluster.ask('wait sts/etcd --for=jsonpath={.status.availableReplicas}=3 --timeout=120s')
  const addresses = (await cluster.ask('get pod -l app=etcd-member -o wide')).match(/10\.244\.\d+\.\d+/g) ?? []
  expect(addresses).toHaveLength(3)
  const endpoints = await cluster.ask('get endpoints -l app=etcd -o jsonpath={.items[*].subsets[*].addresses[*].ip}')
  expect(endpoints.split(' ').sort()).toEqual(addresses.sort())
  expect((await cluster.kubectl('exec etcd-0 -- etcdctl endpoint health')).error).toMatch(/is healthy/)
  const health = () => healthOf([0, 1, 2])
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

test('etcd grows by a member that is added before the set is scaled up, and shrinks by one that is removed before', {
  timeout: 240_000,
}, async () => {
  const added = await cluster.until(
    'etcd has seen its members for long enough to change them',
    () => cluster.kubectl('exec etcd-0 -- etcdctl member add etcd-3 --peer-urls=http://etcd-3.etcd:2380'),
    ({ code }) => code === 0,
  )
  expect(added.out).toMatch(/^Member +[0-9a-f]+ added to cluster /)
  await cluster.ask('scale sts etcd --replicas=4')
  await cluster.ask('wait sts/etcd --for=jsonpath={.status.availableReplicas}=4 --timeout=120s')
  const all = [0, 1, 2, 3]
  await cluster.until(
    'all four are healthy',
    () => healthOf(all),
    text => (text.match(/is healthy/g) ?? []).length === 4,
  )
  expect(await cluster.ask('exec etcd-3 -- etcdctl get greeting')).toBe('greeting\nhello\n')
  const list = await cluster.ask('exec etcd-0 -- etcdctl member list')
  expect(list.match(/, started, etcd-[0-3], /g)).toHaveLength(4)
  const id = list
    .split('\n')
    .find(line => line.includes(', etcd-3, '))!
    .split(',')[0]!
  expect(await cluster.ask(`exec etcd-0 -- etcdctl member remove ${id}`)).toMatch(
    /^Member +[0-9a-f]+ removed from cluster /,
  )
  await cluster.ask('scale sts etcd --replicas=3')
  await cluster.ask('wait --for=delete pod/etcd-3 --timeout=60s')
  await cluster.ask('wait sts/etcd --for=jsonpath={.status.availableReplicas}=3 --timeout=60s')
  expect((await cluster.ask('exec etcd-0 -- etcdctl member list')).trim().split('\n')).toHaveLength(3)
  expect((await healthOf([0, 1, 2])).match(/is healthy/g)).toHaveLength(3)
  await cluster.ask('delete sts etcd')
})

test('while no scheduler runs, the Pods of a DaemonSet wait with the machine written into their affinity; then they start', {
  timeout: 180_000,
}, async () => {
  await cluster.holdfast('down')
  expect((await cluster.holdfast('up', '--no-scheduler')).code).toBe(0)
  await cluster.ask('apply -f nginx-ds.yaml')
  const field = (path: string) => cluster.ask(`get pods -l k8s-app=nginx -o 'jsonpath={.items[*]${path}}'`)
  const affinity = '.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]'
  const names = await cluster.until(
    'both are made',
    () => field(`${affinity}.matchFields[0].values[0]`),
    text => text.includes(' '),
  )
  expect(names.split(' ').sort()).toEqual(['node1', 'node2'])
  expect(await field('.spec.nodeName')).toBe('')
  expect(await cluster.ask('get pods -l k8s-app=nginx --no-headers')).toMatch(/^(nginx-ds-\w+ +0\/1 +Pending .*\n){2}$/)
  await cluster.holdfast('down')
  expect((await cluster.holdfast('up', '--scheduler')).code).toBe(0)
  await allRun()
  expect([...(await daemonPods()).keys()].sort()).toEqual(['node1', 'node2'])
})
