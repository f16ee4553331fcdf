import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConfigMap, PersistentVolume, PersistentVolumeClaim, type Pod } from '../../src/api/core-v1/types.ts'
import { describeAsRoot } from '../needs-root.ts'
import { isReady, RealNode } from './real-node.ts'

/** Real containers on this machine. Only root can, and only where containerd is installed. */
describeAsRoot('on a real machine', () => {
  let node: RealNode

  beforeAll(async () => {
    node = await RealNode.start({ subnet: 81, images: ['busybox', 'nginx'] })
  }, 120_000)

  afterAll(async () => {
    await node?.[Symbol.asyncDispose]()
  }, 60_000)

  const shell = (script: string, more: object = {}): object => ({
    containers: [{ name: 'main', image: 'busybox:1.36', command: ['sh', '-c', script], ...more }],
  })
  const trapped = 'trap exit TERM; while true; do sleep 0.1; done'

  test('a Pod runs with its own name, address, hosts file and resolver', async () => {
    await node.run('web-0', { hostname: 'web-0', subdomain: 'nginx', ...shell(trapped) })
    const pod = await node.untilReady('web-0')
    expect(await node.exec(pod, 'hostname')).toBe('web-0\n')
    expect(await node.exec(pod, 'hostname', '-i')).toBe(`${pod.status.podIP}\n`)
    expect(await node.exec(pod, 'cat', '/etc/hosts')).toContain(
      `${pod.status.podIP}\tweb-0.nginx.default.svc.cluster.local\tweb-0`,
    )
    expect(await node.exec(pod, 'cat', '/etc/resolv.conf')).toContain(
      'search default.svc.cluster.local svc.cluster.local cluster.local',
    )
    expect(await node.events()).toContain('Started Started container main')
  })

  test('a container sees its environment, files of ConfigMaps and its token', async () => {
    await node.client.create(ConfigMap, {
      metadata: { namespace: 'default', name: 'settings' },
      data: { color: 'red' },
    })
    const env = [
      { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'BOTH', value: '$(POD) is $(COLOR)' },
    ]
    const volumeMounts = [{ name: 'settings', mountPath: '/settings' }]
    await node.run('env', {
      ...shell(trapped, { env, volumeMounts }),
      volumes: [{ name: 'settings', configMap: { name: 'settings' } }],
    })
    const pod = await node.untilReady('env')
    expect(await node.exec(pod, 'sh', '-c', 'echo $BOTH; cat /settings/color')).toBe('env is red\nred')
    expect(await node.exec(pod, 'cat', '/var/run/secrets/kubernetes.io/serviceaccount/namespace')).toBe('default')
    expect(await node.exec(pod, 'cat', '/var/run/secrets/kubernetes.io/serviceaccount/token')).toMatch(/^ey/)
  })

  test('what a Pod writes to its claim is there for the next Pod of its name', async () => {
    const path = join(node.directory, 'pv001')
    const capacity = { storage: '1Gi' }
    const accessModes = ['ReadWriteOnce'] as const
    const claim = await node.client.create(PersistentVolumeClaim, {
      metadata: { namespace: 'default', name: 'www' },
      spec: { accessModes, resources: { requests: capacity }, volumeName: 'pv001', storageClassName: '' },
    })
    const claimRef = { namespace: 'default', name: 'www', uid: claim.metadata.uid }
    await node.client.create(PersistentVolume, {
      metadata: { name: 'pv001' },
      spec: { capacity, accessModes, hostPath: { path }, claimRef },
    })
    await node.client.updateStatus(PersistentVolumeClaim, { ...claim, status: { phase: 'Bound' } })
    const spec = (script: string): object => ({
      ...shell(script, { volumeMounts: [{ name: 'www', mountPath: '/data' }] }),
      volumes: [{ name: 'www', persistentVolumeClaim: { claimName: 'www' } }],
    })
    await node.run('db-0', spec(`echo first > /data/page; ${trapped}`))
    await node.untilReady('db-0')
    await node.delete('db-0')
    await node.untilGone('db-0')
    await node.run('db-0', spec(trapped))
    expect(await node.exec(await node.untilReady('db-0'), 'cat', '/data/page')).toBe('first\n')
  })

  test('a web server becomes ready by its probe and answers', async () => {
    const readinessProbe = { httpGet: { port: 'web' }, periodSeconds: 1 }
    const ports = [{ name: 'web', containerPort: 80 }]
    await node.run('nginx', { containers: [{ name: 'nginx', image: 'nginx:1.19.2-alpine', ports, readinessProbe }] })
    const pod = await node.untilReady('nginx')
    const answer = await fetch(`http://${pod.status.podIP}/`)
    expect(await answer.text()).toContain('Welcome to nginx!')
  })

  test('a container that fails is started again, with its last words in the status', async () => {
    await node.run('crash', shell('echo the disk is on fire > /dev/termination-log; exit 3'))
    const pod = await node.until(
      'crash',
      found => (found?.status.containerStatuses?.[0]?.restartCount ?? 0) > 0,
      'restarted',
    )
    const crashed = await node.until(
      'crash',
      found => found?.status.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff',
      'backing off',
    )
    expect(pod).toBeDefined()
    expect(crashed?.status.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({
      exitCode: 3,
      reason: 'Error',
      message: 'the disk is on fire\n',
    })
  })

  test('a container that uses more memory than it may is reported as OOMKilled', async () => {
    const resources = { limits: { memory: '20Mi' } }
    await node.run('greedy', {
      restartPolicy: 'Never',
      ...shell('x=0123456789; while true; do x=$x$x; done', { resources }),
    })
    const pod = await node.until('greedy', found => found?.status.phase === 'Failed', 'failed')
    expect(pod?.status.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' })
  })

  test('a missing program gives RunContainerError with the reason', async () => {
    await node.run('typo', { containers: [{ name: 'main', image: 'busybox:1.36', command: ['nosuch'] }] })
    const isShown = (pod: Pod | undefined): boolean => /StartError/.test(JSON.stringify(pod?.status.containerStatuses))
    const pod = await node.until('typo', isShown, 'failing to start')
    expect(JSON.stringify(pod?.status.containerStatuses)).toContain('executable file not found in $PATH')
  })

  test('users, groups and capabilities are those of the security context', async () => {
    const securityContext = { runAsUser: 1000, runAsGroup: 3000, fsGroup: 2000 }
    const own = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }
    const more = { securityContext: own, volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }] }
    await node.run('secure', { securityContext, ...shell(trapped, more), volumes: [{ name: 'scratch', emptyDir: {} }] })
    const pod = await node.untilReady('secure')
    expect(await node.exec(pod, 'id')).toMatch(/^uid=1000 gid=3000 groups=(2000,3000|3000,2000|2000)/)
    expect(await node.exec(pod, 'sh', '-c', 'touch /scratch/x && stat -c %g /scratch/x; touch /x')).toMatch(
      /^2000\n.*Read-only file system/,
    )
    expect(await node.exec(pod, 'grep', '-E', 'CapEff|NoNewPrivs', '/proc/self/status')).toMatch(
      /CapEff:\s+0{16}\nNoNewPrivs:\s+1/,
    )
  })

  test('containers go on while containerd is killed, and while the kubelet restarts', async () => {
    await node.run('steady', shell(`date +%s%N > /tmp/start; ${trapped}`))
    const before = await node.untilReady('steady')
    const startedAt = await node.exec(before, 'cat', '/tmp/start')
    await node.stopKubelet()
    process.kill(await node.containerdPid(), 'SIGKILL')
    await node.untilRuntimeAnswers()
    await node.startKubelet()
    await node.run('after', shell(trapped))
    await node.untilReady('after')
    const after = await node.untilReady('steady')
    expect(after.status.containerStatuses?.[0]?.containerID).toBe(before.status.containerStatuses?.[0]?.containerID)
    expect(after.status.containerStatuses?.[0]?.restartCount).toBe(0)
    expect(await node.exec(after, 'cat', '/tmp/start')).toBe(startedAt)
  })

  test('a Pod whose sandbox dies gets a new one', async () => {
    await node.run('victim', shell(trapped))
    const before = await node.untilReady('victim')
    await node.killSandbox(before)
    const after = await node.until(
      'victim',
      pod => isReady(pod) && (pod?.status.containerStatuses?.[0]?.restartCount ?? 0) > 0,
      'running again',
    )
    expect(after?.status.podIP).toBeDefined()
  })

  test('a deleted Pod leaves nothing on the machine', async () => {
    await node.run('gone', {
      ...shell(trapped, { volumeMounts: [{ name: 'memory', mountPath: '/m' }] }),
      volumes: [{ name: 'memory', emptyDir: { medium: 'Memory' } }],
    })
    const { metadata } = await node.untilReady('gone')
    await node.delete('gone')
    await node.untilGone('gone')
    await node.untilForgotten(metadata.uid)
    const { runtime, disk, cgroups } = node.machine.doors
    expect(await runtime.listSandboxes({ podUid: metadata.uid })).toEqual([])
    expect(await runtime.listContainers({ podUid: metadata.uid })).toEqual([])
    expect((await disk.mounts(node.directory)).filter(({ path }) => path.includes(metadata.uid))).toEqual([])
    expect(await cgroups.list()).not.toContain(metadata.uid)
    await expect(access(join(node.directory, 'kubelet', 'pods', metadata.uid))).rejects.toThrow()
    expect((await readdir(join(node.directory, 'logs'))).filter(name => name.includes(metadata.uid))).toEqual([])
  })
})
