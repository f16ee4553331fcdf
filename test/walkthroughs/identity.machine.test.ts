/** Walkthrough A: identity, order, events, DNS. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manifest, RealCluster } from './real-cluster.ts'

let cluster: RealCluster
beforeAll(async () => {
  cluster = await RealCluster.up({ images: ['nginx', 'busybox'] })
}, 180_000)
afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000)

const rolledOut = (replicas: number) =>
  cluster.ask(`wait -n demo sts/web-demo --for=jsonpath={.status.availableReplicas}=${replicas} --timeout=90s`)

test('a set is created in order: no Pod exists before the one below it is ready', { timeout: 120_000 }, async () => {
  await cluster.ask('create ns demo')
  expect(await cluster.ask('create -f -', manifest('nginx-svc.yaml'))).toBe('service/nginx-demo created\n')
  expect(await cluster.ask('get svc -n demo')).toMatch(
    /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nnginx-demo +ClusterIP +None +<none> +80\/TCP +\d+s\n$/,
  )
  const rows = cluster.follow('get pod -n demo -w', lines =>
    lines.some(line => /^web-demo-1 +1\/1 +Running/.test(line)),
  )
  expect(await cluster.ask('create -f -', manifest('web-sts.yaml'))).toBe('statefulset.apps/web-demo created\n')
  const seen = await rows
  const firstReady = seen.findIndex(line => /^web-demo-0 +1\/1 +Running/.test(line))
  const secondSeen = seen.findIndex(line => line.startsWith('web-demo-1'))
  expect(firstReady).toBeGreaterThan(0)
  expect(secondSeen).toBeGreaterThan(firstReady)
  const stages = seen.filter(line => line.startsWith('web-demo-0')).map(line => line.split(/ +/)[2])
  expect(stages.slice(0, 2)).toEqual(['Pending', 'Pending'])
  expect(stages).toContain('ContainerCreating')
  expect(await cluster.ask('get sts -n demo')).toMatch(/^NAME +READY +AGE\nweb-demo +2\/2 +\d+s\n$/)
})

test('every container says who it is, and the wide table shows where it runs', async () => {
  for (const ordinal of [0, 1]) {
    expect(await cluster.ask(`exec web-demo-${ordinal} -n demo -- sh -c hostname`)).toBe(`web-demo-${ordinal}\n`)
  }
  const [heading, ...rows] = (await cluster.ask('get pod -n demo -l app=nginx -o wide')).trimEnd().split('\n')
  expect(heading).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES$/)
  for (const row of rows) expect(row).toMatch(/ 10\.244\.\d+\.\d+ +\S+ +<none> +<none>$/)
})

test('events tell of each step in the words of the walkthrough', async () => {
  const events = await cluster.ask('get events -n demo -o custom-columns=O:.involvedObject.name,R:.reason,M:.message')
  const node = (await cluster.ask('get nodes -o jsonpath={.items[0].metadata.name}')).trim()
  expect(events).toContain(`Successfully assigned demo/web-demo-0 to ${node}`)
  expect(events).toMatch(/web-demo-0 +Pulled +Container image "nginx:1.19.2-alpine" already present on machine/)
  expect(events).toMatch(/web-demo-0 +Created +(Created container nginx|Container created)/)
  expect(events).toMatch(/web-demo-0 +Started +(Started container nginx|Container started)/)
  expect(events).toMatch(/web-demo +SuccessfulCreate +create Pod web-demo-0 in StatefulSet web-demo successful/)
})

test('scaling goes up and down in order, one Pod at a time', { timeout: 120_000 }, async () => {
  expect(await cluster.ask('scale sts web-demo -n demo --replicas=5')).toBe('statefulset.apps/web-demo scaled\n')
  await rolledOut(5)
  const gone = cluster.follow('get pod -n demo -w --output-watch-events', lines =>
    lines.some(line => /^DELETED +web-demo-2/.test(line)),
  )
  expect(await cluster.ask('scale sts web-demo -n demo --replicas=2')).toBe('statefulset.apps/web-demo scaled\n')
  const lines = await gone
  const order = lines.filter(line => line.startsWith('DELETED')).map(line => line.split(/ +/)[1])
  expect(order).toEqual(['web-demo-4', 'web-demo-3', 'web-demo-2'])
  const terminating = lines.filter(line => /Terminating/.test(line)).map(line => line.split(/ +/)[1])
  expect([...new Set(terminating)]).toEqual(['web-demo-4', 'web-demo-3', 'web-demo-2'])
})

test('names of Pods resolve, also right after every Pod was replaced', { timeout: 120_000 }, async () => {
  const lookUp = async (ordinal: number): Promise<string> => {
    const name = `web-demo-${ordinal}.nginx-demo.demo.svc.cluster.local`
    const { out } = await cluster.kubectl(`exec web-demo-0 -n demo -- nslookup ${name}`)
    return /Name:.*\n+Address(?: 1)?: +([\d.]+)/.exec(out)?.[1] ?? out
  }
  const addressOf = (ordinal: number) => cluster.ask(`get pod web-demo-${ordinal} -n demo -o jsonpath={.status.podIP}`)
  expect(await lookUp(1)).toBe(await addressOf(1))
  const before = await addressOf(1)
  await cluster.ask('delete pod -l app=nginx -n demo')
  await rolledOut(2)
  expect(await addressOf(1)).not.toBe(before)
  for (const ordinal of [0, 1]) expect(await lookUp(ordinal)).toBe(await addressOf(ordinal))
})

test('a rolling update starts at the top, a partition holds back the ordinals below it', {
  timeout: 120_000,
}, async () => {
  const images = () =>
    cluster.ask(
      'get pod -n demo -l app=nginx --sort-by=.metadata.name -o jsonpath={.items[*].spec.containers[0].image}',
    )
  await cluster.ask(
    `patch sts web-demo -n demo -p '{"spec":{"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":1}}}}'`,
  )
  expect(await cluster.ask('set image sts/web-demo -n demo nginx=nginx:1.19.3-alpine')).toBe(
    'statefulset.apps/web-demo image updated\n',
  )
  expect(await cluster.ask('rollout status sts/web-demo -n demo')).toContain(
    'partitioned roll out complete: 1 new pods have been updated...',
  )
  expect(await images()).toBe('nginx:1.19.2-alpine nginx:1.19.3-alpine')
  await cluster.ask(`patch sts web-demo -n demo -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}'`)
  await cluster.ask('rollout status sts/web-demo -n demo')
  expect(await images()).toBe('nginx:1.19.3-alpine nginx:1.19.3-alpine')
  expect(await cluster.ask('rollout undo sts/web-demo -n demo')).toBe('statefulset.apps/web-demo rolled back\n')
  await cluster.ask('rollout status sts/web-demo -n demo')
  expect(await images()).toBe('nginx:1.19.2-alpine nginx:1.19.2-alpine')
})
