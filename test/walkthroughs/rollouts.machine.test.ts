/** Walkthroughs A (OnDelete), D (scaling, updating, canaries), E (state follows its owner) and F (what one machine can show). */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manifest, RealCluster } from './real-cluster.ts'

const volumes = mkdtempSync(join(tmpdir(), 'holdfast-volumes-'))
let cluster: RealCluster
beforeAll(async () => {
  cluster = await RealCluster.up({ images: ['nginx', 'busybox', 'random-generator', 'k8sdemo'] })
}, 240_000)
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]()
  rmSync(volumes, { recursive: true, force: true })
}, 60_000)

const available = (set: string, count: number) =>
  cluster.ask(`wait sts/${set} --for=jsonpath={.status.availableReplicas}=${count} --timeout=60s`)
const myappTable = () =>
  cluster.ask(
    'get pod -l app=myapp-pod --sort-by=.metadata.name -o custom-columns=NAME:metadata.name,IMAGE:spec.containers[0].image',
  )
const tableOf = (...versions: readonly string[]) =>
  [
    'NAME      IMAGE',
    ...versions.map((version, ordinal) => `myapp-${ordinal}   ikubernetes/myapp:${version}`),
    '',
  ].join('\n')
const patchMyapp = (patch: object) => cluster.ask(`patch statefulset myapp -p '${JSON.stringify(patch)}'`)
const partition = (value: number) => patchMyapp({ spec: { updateStrategy: { rollingUpdate: { partition: value } } } })
const condition = (set: string) =>
  cluster.ask(`get sts ${set} -o 'jsonpath={.status.conditions[?(@.type=="Progressing")].message}'`)

test('a set with a named class scales by kubectl scale and by a patch', { timeout: 120_000 }, async () => {
  await cluster.ask('apply -f -', manifest('myapp.yaml'))
  await available('myapp', 3)
  expect(await cluster.ask('get pvc myappdata-myapp-0')).toMatch(/Bound +pvc-\S+ +2Gi +RWO +glusterfs/)
  expect(await cluster.ask('scale statefulset myapp --replicas=4')).toBe('statefulset.apps/myapp scaled\n')
  await available('myapp', 4)
  expect(await patchMyapp({ spec: { replicas: 3 } })).toBe('statefulset.apps/myapp patched\n')
  await cluster.ask('wait --for=delete pod/myapp-3 --timeout=30s')
})

test('a canary takes the Pods from the partition up, and rollout status tells of it while it goes', {
  timeout: 120_000,
}, async () => {
  expect(await cluster.ask('set image statefulset myapp myapp=ikubernetes/myapp:v6')).toBe(
    'statefulset.apps/myapp image updated\n',
  )
  const told = (await cluster.ask('rollout status statefulset myapp')).trim().split('\n')
  expect(told.at(-1)).toBe('partitioned roll out complete: 1 new pods have been updated...')
  for (const line of told.slice(0, -1)) {
    expect(line).toMatch(
      /^(Waiting for 1 pods to be ready\.\.\.|Waiting for statefulset spec update to be observed\.\.\.|Waiting for partitioned roll out to finish: 0 out of 1 new pods have been updated\.\.\.)$/,
    )
  }
  expect(await myappTable()).toBe(tableOf('v5', 'v5', 'v6'))
})

test('a deleted Pod below the partition comes back at the old revision', { timeout: 60_000 }, async () => {
  await cluster.ask('delete pod myapp-0')
  await available('myapp', 3)
  expect(await myappTable()).toBe(tableOf('v5', 'v5', 'v6'))
})

test('a partition of all replicas, or more, stages an update; lowering it releases canaries from the top', {
  timeout: 120_000,
}, async () => {
  await partition(0)
  await cluster.ask('rollout status statefulset myapp')
  expect(await myappTable()).toBe(tableOf('v6', 'v6', 'v6'))
  await partition(3)
  await cluster.ask('set image statefulset myapp myapp=ikubernetes/myapp:v5')
  expect(await cluster.ask('rollout status statefulset myapp')).toContain('partitioned roll out complete: 0 new pods')
  await partition(9)
  expect(
    await cluster.until(
      'the set says so',
      () => condition('myapp'),
      text => text.includes('partition 9'),
    ),
  ).toMatch(/0 of 3 Pods are at revision/)
  expect(await myappTable()).toBe(tableOf('v6', 'v6', 'v6'))
  await partition(2)
  await cluster.ask('rollout status statefulset myapp')
  expect(await myappTable()).toBe(tableOf('v6', 'v6', 'v5'))
  await partition(1)
  await cluster.ask('rollout status statefulset myapp')
  expect(await myappTable()).toBe(tableOf('v6', 'v5', 'v5'))
})

test('with OnDelete only a deleted Pod is updated', { timeout: 120_000 }, async () => {
  await cluster.ask(
    `patch sts myapp --type=json -p '[{"op":"replace","path":"/spec/updateStrategy","value":{"type":"OnDelete"}}]'`,
  )
  expect((await cluster.kubectl('rollout status sts/myapp')).error).toBe(
    'error: rollout status is only available for RollingUpdate strategy type\n',
  )
  await cluster.until(
    'the set says so',
    () => condition('myapp'),
    text => text.includes('myapp-0 keep'),
  )
  expect(await myappTable()).toBe(tableOf('v6', 'v5', 'v5'))
  await cluster.ask('delete pod myapp-0')
  await available('myapp', 3)
  expect(await myappTable()).toBe(tableOf('v5', 'v5', 'v5'))
  await cluster.ask('delete sts myapp')
})

test('each Pod of a set logs to a volume of its own, also after it was replaced', { timeout: 120_000 }, async () => {
  await cluster.ask('apply -f -', manifest('k8sdemo.yaml').replaceAll('VOLUMES', volumes))
  await available('k8sdemo', 3)
  const claims = (await cluster.ask('get pvc -o name')).split('\n').filter(name => name.includes('data-k8sdemo-'))
  expect(claims.map(name => name.slice(-1))).toEqual(['0', '1', '2'])
  const volumeOf = await cluster.ask('get pvc data-k8sdemo-1 -o jsonpath={.spec.volumeName}')
  const log = () => readFileSync(join(volumes, volumeOf, 'requests.log'), 'utf8')
  const ask = (path: string) => cluster.ask(`exec k8sdemo-0 -- curl -s http://k8sdemo-1.k8sdemo-service/${path}`)
  expect(await ask('before')).toContain('k8sdemo-1')
  expect(log()).toMatch(/k8sdemo-1 .*\/before/)
  await cluster.ask('delete pod k8sdemo-1')
  await available('k8sdemo', 3)
  expect(await ask('after')).toContain('k8sdemo-1')
  expect(log()).toMatch(/\/before[\s\S]*\/after/)
  await cluster.ask('scale sts k8sdemo --replicas=0')
  await cluster.ask('wait --for=delete pod/k8sdemo-0 --timeout=30s')
  await cluster.ask('scale sts k8sdemo --replicas=3')
  await available('k8sdemo', 3)
  expect(await ask('again')).toContain('k8sdemo-1')
  expect(log()).toMatch(/\/before[\s\S]*\/after[\s\S]*\/again/)
  await cluster.ask('delete sts k8sdemo')
})

test('where there is no NFS client, the Pod names what is missing', { timeout: 60_000 }, async () => {
  await cluster.ask('apply -f -', manifest('nfs.yaml'))
  const message = await cluster.until(
    'the mount fails',
    () => cluster.ask('get events --field-selector reason=FailedMount -o jsonpath={.items[0].message}').catch(() => ''),
    text => text !== '',
  )
  expect(message).toMatch(/mount\.nfs|nfs/)
  await cluster.ask('delete pod on-nfs --now')
})

test('claims are made with their Pods and kept on scale-down; a deleted one gives its volume back', {
  timeout: 120_000,
}, async () => {
  await cluster.ask('apply -f -', manifest('rg.yaml'))
  await available('rg', 2)
  expect(await cluster.ask('get pvc logs-rg-0 logs-rg-1 -o name')).toBe(
    'persistentvolumeclaim/logs-rg-0\npersistentvolumeclaim/logs-rg-1\n',
  )
  expect(await cluster.ask('get pvc')).toMatch(/logs-rg-0 +Bound +pvc-\S+ +10Mi +RWO +standard/)
  const volume = await cluster.ask('get pvc logs-rg-1 -o jsonpath={.spec.volumeName}')
  const directory = await cluster.ask(`get pv ${volume} -o 'jsonpath={.spec.local.path}{.spec.hostPath.path}'`)
  expect(existsSync(directory)).toBe(true)
  await cluster.ask('scale sts rg --replicas=1')
  await cluster.ask('wait --for=delete pod/rg-1 --timeout=30s')
  expect(await cluster.ask('get pvc logs-rg-1')).toMatch(/logs-rg-1 +Bound/)
  await cluster.ask('delete pvc logs-rg-1')
  await cluster.ask(`wait --for=delete pv/${volume} --timeout=30s`)
  expect(existsSync(directory)).toBe(false)
  await cluster.ask('scale sts rg --replicas=2')
  await available('rg', 2)
})

test('SRV names each ready Pod, with its address', { timeout: 60_000 }, async () => {
  const answer = await cluster.run('dig', '@10.96.0.10', '+nocmd', 'SRV', 'random-generator.default.svc.cluster.local')
  const targets = [...answer.matchAll(/SRV\s+\d+ \d+ 8080 (\S+)\./g)].map(([, target]) => target)
  expect(targets.sort()).toEqual([0, 1].map(ordinal => `rg-${ordinal}.random-generator.default.svc.cluster.local`))
  const address = await cluster.ask('get pod rg-1 -o jsonpath={.status.podIP}')
  expect(answer).toMatch(
    new RegExp(`rg-1\\.random-generator\\.default\\.svc\\.cluster\\.local\\.\\s+\\d+\\s+IN\\s+A\\s+${address}`),
  )
})

test('a headless Service answers the addresses of its Pods, one with an address of its own that one', {
  timeout: 30_000,
}, async () => {
  const addressesOf = async (name: string) =>
    [...(await cluster.ask(`exec rg-0 -- nslookup ${name}`)).split('Name:')[1]!.matchAll(/Address \d+: (\S+)/g)].map(
      ([, address]) => address,
    )
  const pods = (await cluster.ask('get pods -l app=random-generator -o jsonpath={.items[*].status.podIP}')).split(' ')
  expect((await addressesOf('random-generator')).sort()).toEqual(pods.sort())
  expect(await addressesOf('kubernetes')).toEqual(['10.96.0.1'])
})

test('addresses resolve back to the names of Pods and Services', async () => {
  const nameOf = (address: string) => cluster.run('dig', '@10.96.0.10', '+short', '-x', address)
  const address = await cluster.ask('get pod rg-1 -o jsonpath={.status.podIP}')
  expect(await nameOf(address)).toBe('rg-1.random-generator.default.svc.cluster.local.\n')
  expect(await nameOf('10.96.0.10')).toBe('kube-dns.kube-system.svc.cluster.local.\n')
})

test('a Service with an address spreads connections over the ready Pods; the short name is known only in its namespace', {
  timeout: 90_000,
}, async () => {
  await cluster.ask('apply -f -', manifest('spread.yaml'))
  const ask = async (name: string) =>
    (await cluster.kubectl(`exec rg-0 -- wget -qO- http://${name}/`)).out.split(' ')[0]
  const seen = new Set<string | undefined>()
  await cluster.until(
    'both Pods answer',
    async () => seen.add(await ask('spread')),
    all => all.has('rg-0') && all.has('rg-1'),
  )
  for (const name of ['spread.default', 'spread.default.svc.cluster.local'])
    expect(await ask(name)).toMatch(/^rg-[01]$/)
  await cluster.ask('create ns other')
  await cluster.ask('run elsewhere -n other --image busybox:1.28 --restart=Never -- sleep 600')
  await cluster.ask('wait pod/elsewhere -n other --for=condition=Ready --timeout=30s')
  const outside = (name: string) => cluster.kubectl(`exec elsewhere -n other -- wget -qO- http://${name}/`)
  expect((await outside('spread.default')).out).toMatch(/^rg-[01] /)
  expect((await outside('spread')).code).not.toBe(0)
})

test('a Deployment beside it replaces at once, under random names, and all its Pods share one claim', {
  timeout: 60_000,
}, async () => {
  await cluster.ask('apply -f shared.yaml')
  await cluster.ask('rollout status deployment/plain --timeout=30s')
  const names = async () => (await cluster.ask('get pods -l app=plain -o name')).trim().split('\n')
  const before = await names()
  for (const name of before) expect(name).toMatch(/^pod\/plain-[a-z0-9]+-[a-z0-9]{5}$/)
  await cluster.ask(`exec ${before[0]} -- sh -c 'echo shared > /data/file'`)
  await cluster.ask(`delete ${before[0]} --wait=false`)
  await cluster.until('another is there', names, now => now.some(name => !before.includes(name)), 20_000)
  await cluster.ask('rollout status deployment/plain --timeout=30s')
  for (const name of await names()) expect(await cluster.ask(`exec ${name} -- cat /data/file`)).toBe('shared\n')
  await cluster.ask('delete deployment plain')
})

test('Parallel starts all Pods and stops all Pods at once', { timeout: 90_000 }, async () => {
  await cluster.ask('apply -f -', manifest('parallel.yaml'))
  const pods = () => cluster.ask('get pods -l app=together -o name')
  // None can become ready before the gate opens, and yet all are there.
  await cluster.until('all four exist', pods, text => text.trim().split('\n').length === 4)
  expect(await cluster.ask('get sts together')).toMatch(/together +0\/4/)
  await cluster.ask('run gate --image nginx:1.7.9 --port 80 --expose')
  await available('together', 4)
  const gone = cluster.follow('get pod -l app=together -w --output-watch-events', lines =>
    ['together-0', 'together-3'].every(name => lines.some(line => line.startsWith('DELETED') && line.includes(name))),
  )
  await cluster.ask('scale sts together --replicas=0')
  const lines = await gone
  const firstGone = lines.findIndex(line => line.startsWith('DELETED'))
  const leaving = lines.slice(0, firstGone).filter(line => line.includes('Terminating'))
  expect(new Set(leaving.map(line => line.split(/ +/)[1])).size).toBe(4)
})

test('a set whose container crashes says how it ends and the last line that it wrote', {
  timeout: 90_000,
}, async () => {
  await cluster.ask('apply -f crashing.yaml')
  const told = await cluster.until(
    'the set says why',
    () => condition('crashing'),
    text => text.includes('again and again'),
  )
  expect(told).toContain(
    'Pod crashing-0 container db exits with code 3 again and again, last saying "FATAL: no table named users"',
  )
  expect(told).toContain('OrderedReady creates, updates and removes no other Pod until crashing-0 is available')
  await cluster.ask('delete sts crashing')
})
