import { expect, test } from 'vitest'
import type { Container, Pod } from '../../src/api/core-v1/types.ts'
import { ConfigMap } from '../../src/api/core-v1/types.ts'
import type { Client } from '../../src/client/client.ts'

/** What containers of these tests do. Each kind of machine has its own way of making them do it. */
export type Program = 'runs' | 'ends' | 'fails' | 'is deaf' | 'is unpullable' | 'is missing' | 'becomes unwell'

/** A machine with a kubelet, real or simulated. */
export interface PodMachine {
  readonly client: Client
  container(name: string, program: Program): Container
  run(name: string, spec: object): Promise<Pod>
  delete(name: string, gracePeriodSeconds?: number): Promise<void>
  find(name: string): Promise<Pod | undefined>
  /** Lets time pass until the Pod is as wanted. */
  until(name: string, isWanted: (pod: Pod | undefined) => boolean, what?: string): Promise<Pod | undefined>
  events(): Promise<readonly string[]>
}

const conditionsOf = (pod: Pod | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries((pod?.status.conditions ?? []).map(({ type, status }) => [type, status]))
const isReady = (pod: Pod | undefined): boolean => conditionsOf(pod).Ready === 'True'
const stateOf = (pod: Pod | undefined) => pod?.status.containerStatuses?.[0]
const isWaitingFor = (reason: string) => (pod: Pod | undefined) => stateOf(pod)?.state?.waiting?.reason === reason
const hasPhase = (phase: string) => (pod: Pod | undefined) => pod?.status.phase === phase
const isGone = (pod: Pod | undefined): boolean => pod === undefined
const restartsOf = (pod: Pod | undefined): number => stateOf(pod)?.restartCount ?? 0

/** The life of Pods by upstream's rules. Real containers and simulated ones are held to the same. */
export function podLifeContract(machineOf: () => PodMachine): void {
  const main = (program: Program): Container => machineOf().container('main', program)

  test('a Pod becomes ready, its status says so, and events tell how', async () => {
    const machine = machineOf()
    await machine.run('ready', { containers: [main('runs')] })
    const pod = await machine.until('ready', isReady, 'ready')
    expect(pod?.status).toMatchObject({
      phase: 'Running',
      qosClass: 'BestEffort',
      podIP: expect.stringMatching(/^10\./),
    })
    expect(conditionsOf(pod)).toEqual({
      PodReadyToStartContainers: 'True',
      Initialized: 'True',
      Ready: 'True',
      ContainersReady: 'True',
      PodScheduled: 'True',
    })
    expect(stateOf(pod)).toMatchObject({ name: 'main', ready: true, started: true, restartCount: 0, lastState: {} })
    const events = await machine.events()
    expect(events).toContain('Created Created container main')
    expect(events).toContain('Started Started container main')
  })

  test('a container that fails is started again, then waits, with its end in the status', async () => {
    const machine = machineOf()
    await machine.run('failing', { containers: [main('fails')] })
    const pod = await machine.until('failing', isWaitingFor('CrashLoopBackOff'), 'waiting')
    const { metadata } = pod!
    expect(restartsOf(pod)).toBe(1)
    expect(stateOf(pod)).toMatchObject({
      ready: false,
      started: false,
      state: {
        waiting: { message: `back-off 10s restarting failed container=main pod=failing_default(${metadata.uid})` },
      },
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
    })
    expect(pod?.status.phase).toBe('Running')
    expect(await machine.events()).toContain(
      `BackOff Back-off restarting failed container main in pod failing_default(${metadata.uid})`,
    )
  })

  test.each([
    ['ends', 'OnFailure', 'Succeeded', { exitCode: 0, reason: 'Completed' }],
    ['fails', 'Never', 'Failed', { exitCode: 3, reason: 'Error' }],
  ] as const)(
    'a Pod whose container %s comes to its end by its policy',
    async (program, restartPolicy, phase, terminated) => {
      const machine = machineOf()
      const name = `job-${program}`
      await machine.run(name, { restartPolicy, containers: [main(program)] })
      const pod = await machine.until(name, hasPhase(phase), phase)
      expect(stateOf(pod)).toMatchObject({ restartCount: 0, ready: false, state: { terminated } })
      expect(conditionsOf(pod)).toMatchObject({ Ready: 'False', ContainersReady: 'False' })
    },
  )

  test('init containers end before the main container starts, and one that fails ends a Pod that may not restart', async () => {
    const machine = machineOf()
    const inits = (...programs: readonly Program[]) =>
      programs.map((program, index) => machine.container(`init-${index}`, program))
    await machine.run('prepared', { initContainers: inits('ends', 'ends'), containers: [main('runs')] })
    const pod = await machine.until('prepared', isReady, 'ready')
    const ends = pod!.status.initContainerStatuses!.map(({ state }) => state!.terminated!.finishedAt!)
    expect(ends.toSorted()).toEqual(ends)
    expect(stateOf(pod)!.state!.running!.startedAt! >= ends.at(-1)!).toBe(true)
    const spec = { restartPolicy: 'Never', initContainers: inits('fails'), containers: [main('runs')] }
    await machine.run('unprepared', spec)
    const failed = await machine.until('unprepared', hasPhase('Failed'), 'failed')
    expect(failed?.status.initContainerStatuses?.[0]?.state?.terminated?.exitCode).toBe(3)
    expect(stateOf(failed)?.state?.waiting?.reason).toBe('PodInitializing')
  })

  test('a deleted Pod is there until its containers have ended, which those that are deaf do when their grace is over', async () => {
    const machine = machineOf()
    await machine.run('deaf', { terminationGracePeriodSeconds: 2, containers: [main('is deaf')] })
    const { metadata } = (await machine.until('deaf', isReady, 'ready'))!
    await machine.delete('deaf')
    expect((await machine.find('deaf'))?.metadata.deletionTimestamp).toBeDefined()
    await machine.until('deaf', isGone, 'gone')
    expect(await machine.events()).toContain('Killing Stopping container main')
    await machine.run('deaf', { containers: [main('runs')] })
    const next = await machine.until('deaf', isReady, 'ready again')
    expect(next?.metadata.uid).not.toBe(metadata.uid)
  })

  test('an image that cannot be pulled', async () => {
    const machine = machineOf()
    const container = main('is unpullable')
    await machine.run('unpullable', { containers: [container] })
    const pod = await machine.until('unpullable', isWaitingFor('ImagePullBackOff'), 'waiting')
    expect(stateOf(pod)?.state?.waiting?.message).toMatch(/^Back-off pulling image ".*": ErrImagePull: ./)
    expect(pod?.status.phase).toBe('Pending')
    const events = await machine.events()
    expect(events).toContain(`Pulling Pulling image "${container.image}"`)
    expect(events).toContain('Failed Error: ErrImagePull')
    expect(events).toContain(`BackOff Back-off pulling image "${container.image}"`)
  })

  test('a program that is not in its image', async () => {
    const machine = machineOf()
    await machine.run('missing', { containers: [main('is missing')] })
    const pod = await machine.until('missing', found => stateOf(found)?.lastState?.terminated !== undefined, 'tried')
    expect(stateOf(pod)?.lastState?.terminated).toMatchObject({ exitCode: 128, reason: 'StartError' })
  })

  test('a ConfigMap that is missing holds the container back until it is there', async () => {
    const machine = machineOf()
    const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'late', key: 'a' } } }]
    await machine.run('needy', { containers: [{ ...main('runs'), env }] })
    const pod = await machine.until('needy', isWaitingFor('CreateContainerConfigError'), 'waiting')
    expect(stateOf(pod)?.state?.waiting?.message).toBe('configmap "late" not found')
    await machine.client.create(ConfigMap, { metadata: { namespace: 'default', name: 'late' }, data: { a: '1' } })
    await machine.until('needy', isReady, 'ready')
  })

  test('a container that is unwell is not ready, and is started again', async () => {
    const machine = machineOf()
    const probe = { exec: { command: ['cat', '/tmp/well'] }, periodSeconds: 1, failureThreshold: 2 }
    await machine.run('unwell', {
      terminationGracePeriodSeconds: 1,
      containers: [{ ...main('becomes unwell'), livenessProbe: probe, readinessProbe: probe }],
    })
    await machine.until('unwell', isReady, 'ready')
    await machine.until('unwell', pod => restartsOf(pod) > 0, 'started again')
    expect(await machine.events()).toContain('Killing Container main failed liveness probe, will be restarted')
    expect(await machine.events()).toContainEqual(expect.stringMatching(/^Unhealthy Liveness probe failed: /))
  })

  test('a Pod ends when its time is over', async () => {
    const machine = machineOf()
    const spec = { activeDeadlineSeconds: 2, terminationGracePeriodSeconds: 1, restartPolicy: 'Never' }
    await machine.run('timed', { ...spec, containers: [main('runs')] })
    const pod = await machine.until('timed', hasPhase('Failed'), 'failed')
    expect(pod?.status).toMatchObject({
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    })
  })
}
