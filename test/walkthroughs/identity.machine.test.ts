/** Walkthrough A: identity, order, events, DNS. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RealCluster } from './real-cluster.ts'

let cluster: RealCluster
beforeAll(async () => {
  cluster = await RealCluster.up({ images: ['nginx', 'busybox'] })
}, 180_000)
afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000)

const rolledOut = (replicas: number) =>
  cluster.ask(`wait -n demo sts/web-demo --for=jsonpath={.status.availableReplicas}=${replicas} --timeout=90s`)

/** One column of the lines of one Pod, in the order in which they were printed, each as often as it changed. */
const statesOf = (pod: string, lines: readonly string[]): readonly string[] =>
  lines.filter(line => line.startsWith(`${pod} `)).map(line => line.split(/ +/).slice(1, 3).join(' '))

/** Each Pod comes after the one below it is ready, and goes through the states of the walkthrough. */
function expectInOrder(lines: readonly string[], ordinals: readonly number[]): void {
  for (const ordinal of ordinals) {
    const states = statesOf(`web-demo-${ordinal}`, lines)
    expect(states.slice(0, 3)).toEqual(['0/1 Pending', '0/1 Pending', '0/1 ContainerCreating'])
    expect(states.at(-1)).toBe('1/1 Running')
    if (ordinal === ordinals[0]) continue
    const first = lines.findIndex(line => line.startsWith(`web-demo-${ordinal} `))
    const readyBelow = lines.findIndex(
      line => line.startsWith(`web-demo-${ordinal - 1} `) && / 1\/1 +Running /.test(line),
    )
    expect(first).toBeGreaterThan(readyBelow)
  }
}

const isRunning = (pod: string) => (lines: readonly string[]) =>
  lines.some(line => line.startsWith(`${pod} `) && / 1\/1 +Running /.test(line))

test('a set is created in order: no Pod exists before the one below it is ready', { timeout: 120_000 }, async () => {
  expect(await cluster.ask('create ns demo')).toBe('namespace/demo created\n')
  expect(await cluster.ask('create -f nginx-svc.yaml')).toBe('service/nginx-demo created\n')
  expect(await cluster.ask('get svc -n demo')).toMatch(
    /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nnginx-demo +ClusterIP +None +<none> +80\/TCP +\d+s\n$/,
  )
  const pods = cluster.follow('get pod -n demo -w', isRunning('web-demo-1'))
  const sets = cluster.follow('get sts -n demo -w', lines => lines.some(line => /^web-demo +2\/2 /.test(line)))
  expect(await cluster.ask('create -f web-sts.yaml')).toBe('statefulset.apps/web-demo created\n')
  expectInOrder(await pods, [0, 1])
  const counts = (await sets).slice(1).map(line => line.split(/ +/)[1])
  expect([...new Set(counts)]).toEqual(['0/2', '1/2', '2/2'])
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

test('scaling up makes one Pod after the other, and events tell of each step in the words of the walkthrough', {
  timeout: 120_000,
}, async () => {
  const pods = cluster.follow('get pod -n demo -w', isRunning('web-demo-4'))
  const hasStarted = (lines: readonly string[]) => lines.some(line => /Started +pod\/web-demo-4 /.test(line))
  const events = cluster.follow('get event -n demo -w', hasStarted)
  expect(await cluster.ask('scale sts web-demo -n demo --replicas=5')).toBe('statefulset.apps/web-demo scaled\n')
  expectInOrder(await pods, [2, 3, 4])
  await rolledOut(5)
  const lines = await events
  const node = (await cluster.ask('get nodes -o jsonpath={.items[0].metadata.name}')).trim()
  expect(lines[0]).toMatch(/^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE$/)
  const told = lines.map(line => line.split(/ {2,}/).slice(1).join(' ')).join('\n')
  for (const pod of [0, 1, 2, 3, 4].map(ordinal => `web-demo-${ordinal}`)) {
    const object = `pod/${pod}`
    expect(told).toContain(`Normal Scheduled ${object} Successfully assigned demo/${pod} to ${node}`)
    expect(told).toMatch(
      new RegExp(`Normal Pulled ${object} Container image "nginx:1.19.2-alpine" already present on machine`),
    )
    expect(told).toMatch(new RegExp(`Normal Created ${object} (Created container nginx|Container created)`))
    expect(told).toMatch(new RegExp(`Normal Started ${object} (Started container nginx|Container started)`))
    expect(told).toContain(
      `Normal SuccessfulCreate statefulset/web-demo create Pod ${pod} in StatefulSet web-demo successful`,
    )
  }
})

test('scaling down lets the Pods go from the top, one at a time', { timeout: 120_000 }, async () => {
  const isGone = (lines: readonly string[]) => lines.some(line => /^DELETED +web-demo-2/.test(line))
  const gone = cluster.follow('get pod -n demo -w --output-watch-events', isGone)
  expect(await cluster.ask('scale sts web-demo -n demo --replicas=2')).toBe('statefulset.apps/web-demo scaled\n')
  const lines = (await gone).map(line => line.split(/ +/).slice(0, 4).join(' '))
  const pods = ['web-demo-4', 'web-demo-3', 'web-demo-2']
  expect(lines.filter(line => line.startsWith('DELETED')).map(line => line.split(' ')[1])).toEqual(pods)
  const leaving = lines.filter(line => line.endsWith(' Terminating'))
  expect([...new Set(leaving.map(line => line.split(' ')[1]))]).toEqual(pods)
  for (const pod of pods) {
    const rows = leaving.filter(line => line.startsWith(`MODIFIED ${pod} `))
    expect(rows[0]).toBe(`MODIFIED ${pod} 1/1 Terminating`)
    expect(rows.at(-1)).toBe(`MODIFIED ${pod} 0/1 Terminating`)
  }
  const events = await cluster.ask('get event -n demo')
  for (const pod of pods) {
    expect(events).toMatch(
      new RegExp(`SuccessfulDelete +statefulset/web-demo +delete Pod ${pod} in StatefulSet web-demo successful`),
    )
    expect(events).toMatch(new RegExp(`Killing +pod/${pod} +Stopping container nginx`))
  }
})

/** What a person sees who asks from a Pod of busybox for the name of a Pod. */
async function lookedUp(name: string): Promise<string> {
  const screen = await cluster.onTerminal('kubectl run -it --rm --image busybox:1.28 dns-test -n demo', {
    prompt: /If you don't see a command prompt, try pressing enter\.\n/,
    lines: ['', `nslookup ${name}`, 'exit'],
  })
  expect(screen).toContain('pod "dns-test" deleted')
  return screen
}

test('the name of a Pod resolves in the shell of another, and its address back to the name', {
  timeout: 60_000,
}, async () => {
  const screen = await lookedUp('web-demo-0.nginx-demo')
  const address = await cluster.ask('get pod web-demo-0 -n demo -o jsonpath={.status.podIP}')
  expect(screen).toContain('Server:    10.96.0.10\nAddress 1: 10.96.0.10 kube-dns.kube-system.svc.cluster.local\n')
  expect(screen).toContain(
    `Name:      web-demo-0.nginx-demo\nAddress 1: ${address} web-demo-0.nginx-demo.demo.svc.cluster.local\n`,
  )
  // kubectl does not wait for what it deleted.
  await cluster.kubectl('wait --for=delete pod/dns-test -n demo --timeout=30s')
  expect((await cluster.kubectl('get pod dns-test -n demo')).error).toContain('pods "dns-test" not found')
})

test('names of Pods resolve, also right after every Pod was replaced', { timeout: 120_000 }, async () => {
  const lookUp = async (ordinal: number): Promise<string> => {
    const name = `web-demo-${ordinal}.nginx-demo.demo.svc.cluster.local`
    const { out } = await cluster.kubectl(`exec web-demo-0 -n demo -- nslookup ${name}`)
    return /Name:.*\n+Address(?: 1)?: +([\d.]+)/.exec(out)?.[1] ?? out
  }
  const addressOf = (ordinal: number) => cluster.ask(`get pod web-demo-${ordinal} -n demo -o jsonpath={.status.podIP}`)
  expect(await lookUp(1)).toBe(await addressOf(1))
  const before = await Promise.all([0, 1].map(addressOf))
  expect(await cluster.ask('delete pod -l app=nginx -n demo')).toBe(
    'pod "web-demo-0" deleted\npod "web-demo-1" deleted\n',
  )
  await rolledOut(2)
  for (const ordinal of [0, 1]) expect(before).not.toContain(await addressOf(ordinal))
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
