import { expect, test } from 'vitest'
import { Lease } from '../../src/api/coordination-v1/types.ts'
import { ConfigMap, Node, Pod } from '../../src/api/core-v1/types.ts'
import { imagesNamed } from '../../src/fakes/machine/fake-image.ts'
import { SimulatedNode } from './simulated-node.ts'

test('a Pod becomes ready with an address, and events tell how', async () => {
  await using node = await SimulatedNode.start()
  await node.run('web-0')
  await node.clock.advance(1000)
  expect(await node.state('web-0')).toBe('Ready')
  const pod = await node.pod('web-0')
  expect(pod?.status).toMatchObject({
    phase: 'Running',
    podIP: '10.244.0.2',
    hostIP: '192.168.0.1',
    qosClass: 'BestEffort',
  })
  expect(
    pod?.status.conditions
      ?.filter(({ status }) => status === 'True')
      .map(({ type }) => type)
      .sort(),
  ).toEqual(['ContainersReady', 'Initialized', 'PodReadyToStartContainers', 'PodScheduled', 'Ready'])
  expect(await node.events()).toEqual([
    'Pulled Container image "app:1" already present on machine',
    'Created Created container main',
    'Started Started container main',
  ])
})

test('the machine registers as a ready node', async () => {
  await using node = await SimulatedNode.start()
  const found = await node.client.get(Node, { name: 'node1' })
  expect(found.status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
    status: 'True',
    reason: 'KubeletReady',
  })
  expect(found.status.allocatable).toMatchObject({ cpu: '4', pods: '110' })
})

test('a deleted Pod stays in the API until its containers have ended', async () => {
  await using node = await SimulatedNode.start({ images: imagesNamed({ 'app:1': { stopMs: 5000 } }) })
  await node.run('web-0')
  await node.clock.advance(1000)
  await node.delete('web-0')
  await node.clock.advance(4000)
  expect(await node.state('web-0')).toBe('Ready')
  await node.clock.advance(2000)
  expect(await node.state('web-0')).toBe('gone')
  expect(node.machine.runtime.sandboxCount).toBe(0)
  expect(node.machine.disk.paths.filter(path => path.includes('/pods/'))).toEqual([])
  expect(await node.events()).toContain('Killing Stopping container main')
})

test('a container that ignores SIGTERM is killed when its grace period is over', async () => {
  await using node = await SimulatedNode.start({ images: imagesNamed({ 'app:1': { ignoresStopSignal: true } }) })
  await node.run('web-0', { terminationGracePeriodSeconds: 10 })
  await node.clock.advance(1000)
  await node.delete('web-0')
  await node.clock.advance(9500)
  expect(await node.pod('web-0')).toBeDefined()
  await node.clock.advance(1000)
  expect(await node.state('web-0')).toBe('gone')
})

test('a container that crashes is started again after 0, 10, 20 and 40 seconds', async () => {
  await using node = await SimulatedNode.start({
    images: imagesNamed({ 'app:1': { exitsAfterMs: 1000, exitCode: 1 } }),
  })
  await node.run('web-0')
  await node.clock.advance(4000)
  expect(await node.state('web-0')).toBe('Running CrashLoopBackOff')
  const restartsAt: number[] = []
  for (let second = 0; second < 90; second++) {
    await node.clock.advance(1000)
    restartsAt.push((await node.pod('web-0'))!.status.containerStatuses![0]!.restartCount)
  }
  expect(restartsAt[0]).toBe(1)
  expect(restartsAt.indexOf(2)).toBeGreaterThan(7)
  expect(restartsAt.indexOf(3) - restartsAt.indexOf(2)).toBeGreaterThan(19)
  expect(restartsAt.at(-1)).toBe(4)
  expect(await node.events()).toContainEqual(
    expect.stringMatching(/^BackOff Back-off restarting failed container main in pod web-0_default/),
  )
})

test.each([-3600, 3600])('a clock that is set by %i s prolongs no pause and fails no probe', async seconds => {
  await using node = await SimulatedNode.start({
    images: imagesNamed({ 'bad:1': { exitsAfterMs: 500, exitCode: 1 }, 'app:1': {} }),
  })
  const livenessProbe = { tcpSocket: { port: 80 }, periodSeconds: 2, timeoutSeconds: 1, failureThreshold: 1 }
  await node.run('steady', { containers: [{ name: 'main', image: 'app:1', livenessProbe }] })
  await node.run('crash', { containers: [{ name: 'main', image: 'bad:1' }] })
  await node.clock.advance(4000)
  const restarts = async (name: string) => (await node.pod(name))?.status.containerStatuses?.[0]?.restartCount
  expect(await restarts('crash')).toBe(1)
  const heartbeat = async () => (await node.client.get(Lease, lease)).spec.renewTime
  const lease = { namespace: 'kube-node-lease', name: 'node1' }
  node.clock.setTimeOfDayBy(seconds * 1000)
  await node.clock.advance(5000)
  expect(await restarts('crash'), 'the pause of ten seconds is kept').toBe(1)
  const before = await heartbeat()
  await node.clock.advance(8000)
  expect(await restarts('crash')).toBe(2)
  expect(await restarts('steady')).toBe(0)
  expect(await node.state('steady')).toBe('Ready')
  await node.clock.advance(10_000)
  expect(await heartbeat()).not.toBe(before)
})

test('init containers run one after the other before the main container starts', async () => {
  const started: string[] = []
  const onStart = ({ containerName }: { containerName: string }): void => void started.push(containerName)
  await using node = await SimulatedNode.start({
    images: imagesNamed({ 'init:1': { exitsAfterMs: 2000, onStart }, 'app:1': { onStart } }),
  })
  const initContainers = ['first', 'second'].map(name => ({ name, image: 'init:1' }))
  await node.run('web-0', { initContainers })
  await node.clock.advance(1000)
  expect(await node.state('web-0')).toBe('Pending PodInitializing')
  await node.clock.advance(5000)
  expect(await node.state('web-0')).toBe('Ready')
  expect(started).toEqual(['first', 'second', 'main'])
})

test('a Pod that may not restart fails with its init container', async () => {
  await using node = await SimulatedNode.start({
    images: imagesNamed({ 'init:1': { exitsAfterMs: 100, exitCode: 3 }, 'app:1': {} }),
  })
  await node.run('web-0', { restartPolicy: 'Never', initContainers: [{ name: 'init', image: 'init:1' }] })
  await node.clock.advance(3000)
  expect(await node.state('web-0')).toMatch(/^Failed/)
})

test('a sidecar starts before the main container and ends after it', async () => {
  const seen: string[] = []
  const note =
    (what: string) =>
    ({ containerName }: { containerName: string }) =>
      void seen.push(`${containerName} ${what}`)
  const image = { onStart: note('starts'), onStop: note('stops'), stopMs: 1000 }
  await using node = await SimulatedNode.start({ images: () => image })
  await node.run('web-0', { initContainers: [{ name: 'proxy', image: 'proxy:1', restartPolicy: 'Always' }] })
  await node.clock.advance(2000)
  expect(await node.state('web-0')).toBe('Ready')
  await node.delete('web-0')
  await node.clock.advance(5000)
  expect(await node.state('web-0')).toBe('gone')
  expect(seen).toEqual(['proxy starts', 'main starts', 'main stops', 'proxy stops'])
})

test('readiness follows the probe', async () => {
  let status = 503
  await using node = await SimulatedNode.start({ images: imagesNamed({ 'app:1': { answer: () => ({ status }) } }) })
  const readinessProbe = { httpGet: { port: 80, path: '/ready' }, periodSeconds: 2, failureThreshold: 1 }
  await node.run('web-0', { containers: [{ name: 'main', image: 'app:1', readinessProbe }] })
  await node.clock.advance(3000)
  expect(await node.state('web-0')).toBe('Running')
  status = 200
  await node.clock.advance(2500)
  expect(await node.state('web-0')).toBe('Ready')
  status = 500
  await node.clock.advance(2500)
  expect(await node.state('web-0')).toBe('Running')
  expect(await node.events()).toContain('Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 500')
})

test('a container that fails its liveness probe is started again', async () => {
  let isWell = true
  await using node = await SimulatedNode.start({
    images: imagesNamed({
      'app:1': {
        exec: () => ({ exitCode: isWell ? 0 : 1, stdout: 'sick' }),
        onStart: () => {
          isWell = true
        },
      },
    }),
  })
  const livenessProbe = { exec: { command: ['check'] }, periodSeconds: 5, failureThreshold: 2 }
  await node.run('web-0', { containers: [{ name: 'main', image: 'app:1', livenessProbe }] })
  await node.clock.advance(10_000)
  isWell = false
  await node.clock.advance(20_000)
  const pod = await node.pod('web-0')
  expect(pod?.status.containerStatuses?.[0]?.restartCount).toBe(1)
  expect(await node.state('web-0')).toBe('Ready')
  expect(await node.events()).toContain('Killing Container main failed liveness probe, will be restarted')
})

test('a restarted kubelet goes on without touching what runs', async () => {
  await using node = await SimulatedNode.start()
  const readinessProbe = { tcpSocket: { port: 80 }, periodSeconds: 5 }
  await node.run('web-0', { containers: [{ name: 'main', image: 'app:1', readinessProbe }] })
  await node.clock.advance(8000)
  const before = await node.pod('web-0')
  await node.stopKubelet()
  node.startKubelet()
  await node.clock.advance(20_000)
  const after = await node.pod('web-0')
  expect(after?.status.containerStatuses).toEqual(before?.status.containerStatuses)
  expect(after?.status.conditions).toEqual(before?.status.conditions)
  expect(node.machine.runtime.containers).toHaveLength(1)
})

test('a Pod that was deleted by force while the kubelet was away is ended when it is back', async () => {
  await using node = await SimulatedNode.start()
  await node.run('web-0')
  await node.clock.advance(1000)
  await node.stopKubelet()
  await node.delete('web-0', 0)
  node.startKubelet()
  await node.clock.advance(5000)
  expect(node.machine.runtime.containers).toHaveLength(0)
  expect(node.machine.runtime.sandboxCount).toBe(0)
})

test('a process that cannot be killed holds its Pod and its name, and the user is told', async () => {
  await using node = await SimulatedNode.start({ images: imagesNamed({ 'app:1': {}, 'stuck:1': { isStuck: true } }) })
  await node.run('web-0', { containers: [{ name: 'main', image: 'stuck:1' }], terminationGracePeriodSeconds: 5 })
  await node.clock.advance(1000)
  await node.delete('web-0')
  await node.clock.advance(140_000)
  expect((await node.pod('web-0'))?.metadata.deletionTimestamp).toBeDefined()
  expect(await node.events()).toContain(
    'FailedKillPod error killing pod: failed to "KillContainer" for "main" with KillContainerError: "context deadline exceeded"',
  )
  await node.delete('web-0', 0)
  await node.run('web-0')
  await node.clock.advance(60_000)
  expect(await node.state('web-0')).toMatch(/^Pending/)
  node.machine.runtime.containers[0]?.kill()
  await node.clock.advance(60_000)
  expect(await node.state('web-0')).toBe('Ready')
})

test('logs of a Pod that went while the kubelet was away are removed when it is back', async () => {
  await using node = await SimulatedNode.start()
  await node.run('web-0')
  await node.clock.advance(1000)
  const { uid } = (await node.pod('web-0'))!.metadata
  const logsOf = (pod: string): string => `/var/log/pods/default_${pod}/main/0.log`
  for (const pod of [`web-0_${uid}`, 'gone_1234']) node.machine.disk.writeNow(logsOf(pod), Buffer.from('words'))
  await node.stopKubelet()
  node.startKubelet()
  await node.clock.advance(5000)
  expect(node.machine.disk.paths).toContain(logsOf(`web-0_${uid}`))
  expect(node.machine.disk.paths).not.toContain(logsOf('gone_1234'))
})

test('a Pod of the same name starts only when the old one is gone from the machine', async () => {
  await using node = await SimulatedNode.start({ images: imagesNamed({ 'app:1': { ignoresStopSignal: true } }) })
  await node.run('web-0', { terminationGracePeriodSeconds: 2 })
  await node.clock.advance(1000)
  await node.delete('web-0', 0)
  await node.run('web-0')
  await node.clock.advance(500)
  expect(node.machine.runtime.containers.filter(({ isRunning }) => isRunning)).toHaveLength(1)
  await node.clock.advance(3000)
  expect(await node.state('web-0')).toBe('Ready')
  expect(node.machine.runtime.containers).toHaveLength(1)
})

test('N7: after a reboot of the machine the Pod gets a new sandbox and its container a new start', async () => {
  await using node = await SimulatedNode.start()
  await node.run('web-0')
  await node.clock.advance(1000)
  node.machine.reboot()
  await node.clock.advance(20_000)
  expect(await node.state('web-0')).toBe('Ready')
  expect((await node.pod('web-0'))?.status.containerStatuses?.[0]?.restartCount).toBe(1)
})

test('an image that cannot be pulled shows ErrImagePull, then ImagePullBackOff', async () => {
  await using node = await SimulatedNode.start({ images: imagesNamed({ 'app:1': { pullError: 'no such host' } }) })
  await node.run('web-0')
  await node.clock.advance(3000)
  expect(await node.state('web-0')).toBe('Pending ImagePullBackOff')
  const events = await node.events()
  expect(events).toContain('Pulling Pulling image "app:1"')
  expect(events).toContain('Failed Failed to pull image "app:1": no such host')
  expect(events).toContain('Failed Error: ErrImagePull')
  expect((await node.pod('web-0'))?.status.containerStatuses?.[0]?.state?.waiting).toEqual({
    reason: 'ImagePullBackOff',
    message: 'Back-off pulling image "app:1": ErrImagePull: no such host',
  })
  expect(events).toContain('BackOff Back-off pulling image "app:1"')
})

test('a missing ConfigMap holds the container back until it is there', async () => {
  await using node = await SimulatedNode.start()
  const env = [{ name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } }]
  await node.run('web-0', { containers: [{ name: 'main', image: 'app:1', env }] })
  await node.clock.advance(2000)
  expect(await node.state('web-0')).toBe('Pending CreateContainerConfigError')
  await node.client.create(ConfigMap, { metadata: { namespace: 'default', name: 'settings' }, data: { color: 'red' } })
  await node.clock.advance(10_000)
  expect(await node.state('web-0')).toBe('Ready')
  expect(node.machine.runtime.containers[0]?.process.env.get('COLOR')).toBe('red')
})

test('a Pod for which the machine is too small fails with the reason', async () => {
  await using node = await SimulatedNode.start()
  const resources = { requests: { cpu: '5' } }
  await node.run('web-0', { containers: [{ name: 'main', image: 'app:1', resources }] })
  await node.clock.advance(1000)
  expect((await node.pod('web-0'))?.status).toMatchObject({
    phase: 'Failed',
    reason: 'OutOfcpu',
    message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 5000, used: 0, capacity: 4000",
  })
})

test('a Pod that has done its work succeeds and keeps its container', async () => {
  await using node = await SimulatedNode.start({ images: imagesNamed({ 'app:1': { exitsAfterMs: 3000 } }) })
  await node.run('job', { restartPolicy: 'OnFailure' })
  await node.clock.advance(6000)
  const pod = await node.pod('job')
  expect(pod?.status.phase).toBe('Succeeded')
  expect(pod?.status.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' })
  expect(node.machine.runtime.containers).toHaveLength(1)
})

test('a Pod ends with DeadlineExceeded when its time is over', async () => {
  await using node = await SimulatedNode.start()
  await node.run('job', { activeDeadlineSeconds: 5, restartPolicy: 'Never' })
  await node.clock.advance(4000)
  expect(await node.state('job')).toBe('Ready')
  await node.clock.advance(3000)
  expect((await node.pod('job'))?.status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' })
})

test('a preStop hook runs before the stop signal, within the grace period', async () => {
  const seen: string[] = []
  await using node = await SimulatedNode.start({
    images: imagesNamed({
      'app:1': {
        onStop: () => void seen.push('signal'),
        exec: () => {
          seen.push('hook')
          return { tookMs: 3000 }
        },
      },
    }),
  })
  const lifecycle = { preStop: { exec: { command: ['drain'] } } }
  await node.run('web-0', { containers: [{ name: 'main', image: 'app:1', lifecycle }] })
  await node.clock.advance(1000)
  await node.delete('web-0')
  await node.clock.advance(2000)
  expect(seen).toEqual(['hook'])
  await node.clock.advance(2000)
  expect(seen).toEqual(['hook', 'signal'])
  expect(await node.state('web-0')).toBe('gone')
})

test('files of an emptyDir survive the container, not the Pod', async () => {
  await using node = await SimulatedNode.start({
    images: imagesNamed({
      'app:1': {
        exitsAfterMs: 1000,
        onStart: process => {
          const seen = process.readFile('/data/log') ?? ''
          process.print(`saw "${seen}"`)
          process.writeFile('/data/log', `${seen}x`)
        },
      },
    }),
  })
  const containers = [{ name: 'main', image: 'app:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }]
  await node.run('web-0', { containers, volumes: [{ name: 'data', emptyDir: {} }] })
  await node.clock.advance(20_000)
  const files = node.machine.disk.paths.filter(path => path.endsWith('/data/log'))
  expect(Buffer.from(node.machine.disk.readNow(files[0]!)!).toString()).toBe('xxx')
  await node.delete('web-0')
  await node.clock.advance(5000)
  expect(node.machine.disk.paths.filter(path => path.endsWith('/data/log'))).toEqual([])
})

test('files follow their ConfigMap, and labels of the Pod, at once', async () => {
  await using node = await SimulatedNode.start()
  const settings = { metadata: { namespace: 'default', name: 'settings' } }
  await node.client.create(ConfigMap, { ...settings, data: { color: 'red' } })
  const downward = { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }
  const volumes = [
    { name: 'settings', configMap: { name: 'settings' } },
    { name: 'self', downwardAPI: { items: [downward] } },
  ]
  await node.run('web-0', { volumes }, { labels: { app: 'web' } })
  await node.clock.advance(5000)
  const fileNamed = (name: string): string => {
    const path = node.machine.disk.paths.find(found => found.endsWith(name))
    return Buffer.from(node.machine.disk.readNow(path!)!).toString()
  }
  expect(fileNamed('/settings/color')).toBe('red')
  const found = await node.client.get(ConfigMap, settings.metadata)
  await node.client.update(ConfigMap, { ...found, data: { color: 'blue' } })
  const pod = (await node.pod('web-0'))!
  await node.client.update(Pod, { ...pod, metadata: { ...pod.metadata, labels: { app: 'shop' } } })
  await node.clock.advance(1000)
  expect(fileNamed('/settings/color')).toBe('blue')
  expect(fileNamed('/self/labels')).toBe('app="shop"')
})

test('a Pod that writes more to an emptyDir than it may is evicted', async () => {
  await using node = await SimulatedNode.start({
    images: imagesNamed({ 'app:1': { onStart: process => process.writeFile('/data/log', 'x'.repeat(3000)) } }),
  })
  const containers = [{ name: 'main', image: 'app:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }]
  await node.run('web-0', { containers, volumes: [{ name: 'data', emptyDir: { sizeLimit: '2Ki' } }] })
  await node.clock.advance(20_000)
  const message = 'Usage of EmptyDir volume "data" exceeds the limit "2Ki". '
  expect((await node.pod('web-0'))?.status).toMatchObject({ phase: 'Failed', reason: 'Evicted', message })
  expect(await node.events()).toContain(`Evicted ${message}`)
})

test('on a machine short of memory the Pod that asked for least is evicted, and the Node says why', async () => {
  await using node = await SimulatedNode.start()
  const resources = { requests: { memory: '1Gi' } }
  await node.run('important', { priority: 1000, containers: [{ name: 'main', image: 'app:1', resources }] })
  await node.run('other')
  await node.clock.advance(1000)
  node.machine.memoryAvailableBytes = 50 * 1024 * 1024
  await node.clock.advance(10_000)
  node.machine.memoryAvailableBytes = 1024 ** 3
  await node.clock.advance(30_000)
  expect((await node.pod('other'))?.status).toMatchObject({
    phase: 'Failed',
    reason: 'Evicted',
    message: 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. ',
  })
  expect(await node.state('important')).toBe('Ready')
  const { conditions } = (await node.client.get(Node, { name: 'node1' })).status
  expect(conditions?.find(({ type }) => type === 'MemoryPressure')?.status).toBe('True')
})

test('who uses more memory than asked for is evicted first, and among those the less important', async () => {
  const mebibyte = 1024 * 1024
  await using node = await SimulatedNode.start({
    images: imagesNamed({ 'small:1': { memoryBytes: 10 * mebibyte }, 'large:1': { memoryBytes: 300 * mebibyte } }),
  })
  const asking = (image: string, memory: string) => ({
    containers: [{ name: 'main', image, resources: { requests: { memory } } }],
  })
  await node.run('modest', { priority: 0, ...asking('small:1', '20Mi') })
  await node.run('important', { priority: 100, ...asking('large:1', '200Mi') })
  await node.run('greedy', { priority: 10, ...asking('large:1', '100Mi') })
  await node.run('critical', { priority: 2_000_000_000, ...asking('large:1', '1Mi') })
  await node.clock.advance(2000)
  node.machine.memoryAvailableBytes = 50 * mebibyte
  const order: string[] = []
  for (let round = 0; round < 5; round++) {
    await node.clock.advance(10_000)
    for (const name of ['modest', 'important', 'greedy', 'critical'])
      if (!order.includes(name) && (await node.pod(name))?.status.reason === 'Evicted') order.push(name)
  }
  expect(order).toEqual(['greedy', 'important', 'modest'])
  expect((await node.pod('greedy'))?.status.message).toBe(
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. ' +
      'Container main was using 300Mi, request is 100Mi, has larger consumption of memory. ',
  )
})

test('on a full disk unused images go before any Pod, and no new Pod is taken', async () => {
  const gibibyte = 1024 ** 3
  await using node = await SimulatedNode.start({ images: () => ({ pullMs: 100, sizeBytes: gibibyte }) })
  await node.run('web-0')
  await node.run('job', { restartPolicy: 'Never', containers: [{ name: 'main', image: 'job:1' }] })
  await node.clock.advance(2000)
  await node.delete('job')
  await node.clock.advance(5000)
  node.machine.disk.usedByOthersBytes = 95 * gibibyte
  await node.clock.advance(10_000)
  expect((await node.machine.runtime.listImages()).map(({ tags }) => tags[0])).toEqual(['app:1'])
  expect((await node.pod('web-0'))?.status.reason).toBe('Evicted')
  await node.run('late')
  await node.clock.advance(1000)
  expect((await node.pod('late'))?.status).toMatchObject({
    phase: 'Failed',
    reason: 'Evicted',
    message: 'Pod was rejected: The node had condition: [DiskPressure]. ',
  })
})

test('images are removed from a disk that is getting full, the longest unused first', async () => {
  const gibibyte = 1024 ** 3
  await using node = await SimulatedNode.start({ images: () => ({ pullMs: 100, sizeBytes: 8 * gibibyte }) })
  for (const image of ['old:1', 'new:1']) {
    await node.run('job', { containers: [{ name: 'main', image }] })
    await node.clock.advance(310_000)
    await node.delete('job')
    await node.clock.advance(5000)
  }
  await node.run('web-0')
  node.machine.disk.usedByOthersBytes = 86 * gibibyte
  await node.clock.advance(330_000)
  const kept = (await node.machine.runtime.listImages()).map(({ tags }) => tags[0])
  expect(kept.toSorted()).toEqual(['app:1', 'new:1'])
})

test('when the machine goes down its Pods end in time, critical ones last, and no other is taken', async () => {
  const ended: string[] = []
  const image = { stopMs: 2000, onStop: ({ pod }: { pod: { name: string } }) => void ended.push(pod.name) }
  await using node = await SimulatedNode.start({
    images: imagesNamed({ 'app:1': image, 'deaf:1': { ...image, ignoresStopSignal: true } }),
    config: { shutdown: { graceMs: 20_000, criticalMs: 5000 } },
  })
  await node.run('dns', { priority: 2_000_000_000 })
  await node.run('web-0')
  await node.run('deaf', { containers: [{ name: 'main', image: 'deaf:1' }] })
  await node.clock.advance(2000)
  const done = node.kubelet!.shutDown()
  await node.clock.advance(5000)
  await node.run('late')
  await node.clock.advance(1000)
  expect((await node.pod('late'))?.status).toMatchObject({
    phase: 'Failed',
    reason: 'NodeShutdown',
    message: 'Pod was rejected: Pod was rejected as the node is shutting down.',
  })
  expect((await node.pod('web-0'))?.status).toMatchObject({
    phase: 'Failed',
    reason: 'Terminated',
    message: 'Pod was terminated in response to imminent node shutdown.',
  })
  expect(await node.state('dns')).toBe('Ready')
  await node.clock.advance(14_000)
  await done
  expect(ended).toEqual(['web-0', 'deaf', 'dns'])
  expect(node.machine.runtime.containers.filter(({ isRunning }) => isRunning)).toEqual([])
  await node.clock.advance(10_000)
  const { conditions } = (await node.client.get(Node, { name: 'node1' })).status
  expect(conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
    status: 'False',
    message: 'node is shutting down',
  })
})

test('a manifest in the directory of static Pods runs, is replaced when it changes, and goes with its file', async () => {
  await using node = await SimulatedNode.start({ config: { staticPodDirectory: '/etc/manifests' } })
  const manifest = (image: string): Buffer =>
    Buffer.from(`kind: Pod\nmetadata: { name: proxy }\nspec: { containers: [{ name: main, image: '${image}' }] }\n`)
  node.machine.disk.writeNow('/etc/manifests/proxy.yaml', manifest('app:1'))
  node.machine.disk.writeNow('/etc/manifests/broken.yaml', Buffer.from('kind: ['))
  await node.clock.advance(25_000)
  expect(await node.state('proxy-node1')).toBe('Ready')
  node.machine.disk.writeNow('/etc/manifests/proxy.yaml', manifest('app:2'))
  await node.clock.advance(60_000)
  expect((await node.pod('proxy-node1'))?.spec.containers[0]?.image).toBe('app:2')
  expect(await node.state('proxy-node1')).toBe('Ready')
  await node.machine.disk.remove('/etc/manifests/proxy.yaml')
  await node.clock.advance(40_000)
  expect(await node.state('proxy-node1')).toBe('gone')
})

test('a static Pod starts, runs and ends without the API, which shows it when it is back', async () => {
  const directory = '/etc/manifests'
  await using node = await SimulatedNode.start({
    images: imagesNamed({ 'app:1': {}, 'app:2': {} }),
    config: { staticPodDirectory: directory },
  })
  const manifest = (image: string): Buffer =>
    Buffer.from(`kind: Pod\nmetadata: { name: proxy }\nspec: { containers: [{ name: main, image: '${image}' }] }\n`)
  const running = (): readonly string[] =>
    node.machine.runtime.containers.filter(({ isRunning }) => isRunning).map(({ parts }) => parts.config.image)
  node.api.cut()
  await node.stopKubelet()
  node.machine.disk.writeNow(`${directory}/proxy.yaml`, manifest('app:1'))
  node.startKubelet()
  await node.clock.advance(10_000)
  expect(running()).toEqual(['app:1'])

  await node.stopKubelet()
  node.machine.disk.writeNow(`${directory}/proxy.yaml`, manifest('app:2'))
  node.startKubelet()
  await node.clock.advance(10_000)
  expect(running()).toEqual(['app:2'])

  node.api.heal()
  await node.clock.advance(15_000)
  expect(await node.state('proxy-node1')).toBe('Ready')
  const before = node.machine.runtime.containers.map(({ parts }) => parts.id)
  await node.delete('proxy-node1')
  await node.clock.advance(20_000)
  expect(await node.state('proxy-node1')).toBe('Ready')
  expect(node.machine.runtime.containers.map(({ parts }) => parts.id)).toEqual(before)

  node.api.cut()
  await node.machine.disk.remove(`${directory}/proxy.yaml`)
  await node.clock.advance(10_000)
  expect(running()).toEqual([])
  node.api.heal()
  await node.clock.advance(20_000)
  expect(await node.state('proxy-node1')).toBe('gone')
})

test('at no moment of its restart does a container tell that it never ended', async () => {
  const images = imagesNamed({ 'app:1': { exitsAfterMs: 500, exitCode: 3 } })
  await using node = await SimulatedNode.start({ images })
  const stop = new AbortController()
  const endings: unknown[] = []
  const watching = (async () => {
    for await (const { object } of node.client.watch(Pod, { signal: stop.signal })) {
      const status = object.status?.containerStatuses?.[0]
      if (status?.restartCount) endings.push(status.lastState?.terminated?.exitCode)
    }
  })()
  await node.run('web-0')
  await node.clock.advance(60_000)
  stop.abort()
  await watching.catch(() => {})
  expect(new Set(endings)).toEqual(new Set([3]))
})
