/** What goes wrong with Pods and their machine, on real containers: each with the reason that upstream gives. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Node, type Pod, Pod as PodKind } from '../../src/api/core-v1/types.ts'
import { listProcesses } from '../../src/kubelet/machine/process-list.ts'
import { runCommand } from '../../src/kubelet/machine/run-command.ts'
import { describeAsRoot } from '../needs-root.ts'
import { RealNode } from './real-node.ts'

const MACHINE_TIMEOUT_MS = 90_000

describeAsRoot('what goes wrong', () => {
  let node: RealNode

  beforeAll(async () => {
    node = await RealNode.start({ subnet: 89, images: ['busybox'] })
  }, 120_000)

  afterAll(() => node?.[Symbol.asyncDispose](), 60_000)

  const main = (more: object): object => ({ containers: [{ name: 'main', image: 'busybox:1.36', ...more }] })
  const stateOf = (pod: Pod | undefined) => pod?.status.containerStatuses?.[0]
  const untilWaiting = async (name: string, reason: string): Promise<string> => {
    const pod = await node.until(name, found => stateOf(found)?.state?.waiting?.reason === reason, reason)
    return stateOf(pod)!.state!.waiting!.message ?? ''
  }

  test('an image that no registry gives', async () => {
    const image = '127.0.0.1:9/team/app:1'
    await node.run('unpullable', main({ image }))
    const why = await untilWaiting('unpullable', 'ErrImagePull')
    expect(why).toMatch(/^failed to pull and unpack image "127\.0\.0\.1:9\/team\/app:1": .*connection refused/)
    expect(await untilWaiting('unpullable', 'ImagePullBackOff')).toBe(
      `Back-off pulling image "${image}": ErrImagePull: ${why}`,
    )
    const events = await node.events()
    expect(events).toContain(`Pulling Pulling image "${image}"`)
    expect(events).toContain(`Failed Failed to pull image "${image}": ${why}`)
    expect(events).toContain('Failed Error: ErrImagePull')
    expect(events).toContain(`BackOff Back-off pulling image "${image}"`)
    expect(events).toContain('Failed Error: ImagePullBackOff')
  })

  test('an image that may not be pulled, and a name that is none', async () => {
    await node.run('never', main({ image: 'nowhere:1', imagePullPolicy: 'Never' }))
    expect(await untilWaiting('never', 'ErrImageNeverPull')).toBe(
      'Container image "nowhere:1" is not present with pull policy of Never',
    )
    await node.run('misnamed', main({ image: 'No Such:Name' }))
    expect(await untilWaiting('misnamed', 'InvalidImageName')).toMatch(
      /^Failed to apply default image tag "No Such:Name": couldn't parse image name "No Such:Name": invalid reference format/,
    )
  })

  test('a program that the image has not', async () => {
    await node.run('typo', main({ command: ['nosuch'] }))
    const text = await untilWaiting('typo', 'RunContainerError')
    expect(text).toMatch(/exec: "nosuch": executable file not found in \$PATH: unknown$/)
    const pod = await node.until('typo', found => (stateOf(found)?.restartCount ?? 0) > 0, 'started again')
    expect(stateOf(pod)?.lastState?.terminated).toMatchObject({ reason: 'StartError', exitCode: 128 })
    await untilWaiting('typo', 'CrashLoopBackOff')
  })

  test('a key that is not there, and a user that may not be root', async () => {
    const env = [{ name: 'A', valueFrom: { secretKeyRef: { name: 'missing', key: 'a' } } }]
    await node.run('keyless', main({ env }))
    expect(await untilWaiting('keyless', 'CreateContainerConfigError')).toBe('secret "missing" not found')
    await node.run('rooted', main({ securityContext: { runAsNonRoot: true } }))
    const { metadata } = (await node.find('rooted'))!
    expect(await untilWaiting('rooted', 'CreateContainerConfigError')).toBe(
      `container has runAsNonRoot and image will run as root (pod: "rooted_default(${metadata.uid})", container: main)`,
    )
  })

  test('a volume whose directory is not there', async () => {
    const volumes = [{ name: 'data', hostPath: { path: '/no/such/place', type: 'Directory' } }]
    await node.run('unmounted', { ...main({ volumeMounts: [{ name: 'data', mountPath: '/data' }] }), volumes })
    await expect
      .poll(() => node.events(), { timeout: 10_000 })
      .toContain(
        'FailedMount MountVolume.SetUp failed for volume "data" : hostPath type check failed: /no/such/place is not a directory',
      )
    expect(await untilWaiting('unmounted', 'ContainerCreating')).toBe('')
  })

  test('a process that cannot be killed holds its Pod and its name until it ends', async () => {
    await node.run('stuck', main({ command: ['sleep', '7654'] }))
    const before = await node.untilReady('stuck')
    const { pid } = listProcesses().find(({ command }) => command === 'sleep 7654 ')!
    // A frozen cgroup is what comes nearest to a process that waits for a dead disk: even SIGKILL waits.
    const path = /^\d+:freezer:(.*)$/m.exec(await readFile(`/proc/${pid}/cgroup`, 'utf8'))![1]!
    const freezer = join('/sys/fs/cgroup/freezer', path, 'freezer.state')
    await writeFile(freezer, 'FROZEN')
    try {
      await node.delete('stuck')
      await node.client.delete(PodKind, { namespace: 'default', name: 'stuck' }, { gracePeriodSeconds: 0 })
      await node.run('stuck', main({ command: ['sleep', '7655'] }))
      await node.run('other', main({}))
      await node.untilReady('other')
      expect(stateOf(await node.find('stuck'))?.state?.running).toBeUndefined()
      expect(listProcesses().some(({ command }) => command === 'sleep 7655 ')).toBe(false)
    } finally {
      await writeFile(freezer, 'THAWED')
    }
    const after = await node.untilReady('stuck')
    expect(after.metadata.uid).not.toBe(before.metadata.uid)
    expect(listProcesses().some(({ command }) => command === 'sleep 7654 ')).toBe(false)
  })

  test('a full disk is told of, and costs a Pod', { timeout: MACHINE_TIMEOUT_MS }, async () => {
    const root = join(node.directory, 'kubelet')
    const pressure = async (): Promise<string | undefined> =>
      (await node.client.get(Node, { name: 'real1' })).status.conditions?.find(({ type }) => type === 'DiskPressure')
        ?.status
    await node.stopKubelet()
    await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', root])
    await node.startKubelet()
    try {
      await writeFile(join(root, 'filling'), Buffer.alloc(16 * 2 ** 20)).catch(() => {}) // As far as it goes.
      await node.run('late', {})
      await expect
        .poll(() => node.events(), { timeout: 20_000 })
        .toContainEqual(expect.stringMatching(/^FailedMount MountVolume.SetUp failed .*no space left on device/))
      await expect.poll(pressure, { timeout: 20_000 }).toBe('True')
      await expect
        .poll(() => node.events(), { timeout: 20_000 })
        .toContainEqual(
          expect.stringMatching(/^Evicted The node was low on resource: ephemeral-storage\. Threshold quantity: \d+/),
        )
      await rm(join(root, 'filling'))
      await node.run('turned-away', {})
      const pod = await node.until('turned-away', found => found?.status.phase === 'Failed', 'rejected')
      expect(pod?.status.message).toBe('Pod was rejected: The node had condition: [DiskPressure]. ')
    } finally {
      await node.stopKubelet()
      await runCommand('umount', ['--lazy', root])
      await node.startKubelet()
    }
  })
})
