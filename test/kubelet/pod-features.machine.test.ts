/** What a Pod's spec may ask for, on real containers: each promise seen from inside. */
import { mkdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Pod } from '../../src/api/core-v1/types.ts'
import { runCommand } from '../../src/kubelet/machine/run-command.ts'
import { describeAsRoot } from '../needs-root.ts'
import { RealNode } from './real-node.ts'

const ETCD = 'registry.k8s.io/etcd:3.4.23'

describeAsRoot('what a Pod may ask for', () => {
  let node: RealNode

  beforeAll(async () => {
    node = await RealNode.start({ subnet: 88, images: ['busybox', 'etcd'] })
  }, 120_000)

  afterAll(() => node?.[Symbol.asyncDispose](), 60_000)

  const waits = 'trap exit TERM; while true; do sleep 0.1; done'
  const container = (more: object = {}, script = waits): object => ({
    name: 'main',
    image: 'busybox:1.36',
    command: ['sh', '-c', script],
    ...more,
  })
  const shell = (pod: Pod, script: string): Promise<string> => node.exec(pod, 'sh', '-c', script)

  async function running(name: string, spec: object): Promise<Pod> {
    await node.run(name, { containers: [container()], ...spec })
    return node.untilReady(name)
  }

  test('system calls are filtered unless the Pod says otherwise', async () => {
    const modeOf = async (name: string, securityContext: object): Promise<string> => {
      const pod = await running(name, { securityContext })
      return shell(pod, 'grep ^Seccomp: /proc/self/status')
    }
    expect(await modeOf('filtered', {})).toBe('Seccomp:\t2\n')
    expect(await modeOf('unfiltered', { seccompProfile: { type: 'Unconfined' } })).toBe('Seccomp:\t0\n')
  })

  test('a privileged container has every capability and the devices of its machine', async () => {
    const pod = await running('privileged', { containers: [container({ securityContext: { privileged: true } })] })
    const own = /^CapBnd:\s*(\w+)/m
    const ofTest = own.exec(await readFile('/proc/self/status', 'utf8'))![1]
    expect(own.exec(await shell(pod, 'cat /proc/self/status'))![1]).toBe(ofTest)
    expect(await shell(pod, 'ls /dev | wc -l').then(Number)).toBeGreaterThan(20)
  })

  test('containers see the processes of each other, or of the machine, when the Pod asks for it', async () => {
    const second = { ...container({}, 'exec sleep 4321'), name: 'second' }
    const containers = [container(), second]
    const shared = await running('shared', { shareProcessNamespace: true, containers })
    const separate = await running('separate', { containers: [container(), second] })
    const processes = async (pod: Pod): Promise<string> => {
      const main = pod.status.containerStatuses!.find(({ name }) => name === 'main')!
      const id = main.containerID!.replace('containerd://', '')
      const { stdout } = await node.machine.doors.runtime.execSync(id, ['ps'], 10_000)
      return Buffer.from(stdout).toString()
    }
    expect(await processes(shared)).toContain('sleep 4321')
    expect(await processes(separate)).not.toContain('sleep 4321')
    const host = await running('host', { hostPID: true, hostIPC: true, hostNetwork: true })
    for (const kind of ['pid', 'ipc', 'net']) {
      expect(await shell(host, `readlink /proc/self/ns/${kind}`)).toBe(`${await readlink(`/proc/self/ns/${kind}`)}\n`)
    }
    expect(host.status.podIP).toBe(host.status.hostIP)
  })

  test('what is mounted below a volume spreads as far as the mount allows', async () => {
    const path = join(node.directory, 'spread')
    await mkdir(path)
    await runCommand('mount', ['--bind', path, path])
    await runCommand('mount', ['--make-rshared', path]) // As the whole tree is where systemd runs.
    const volumes = [{ name: 'shared', hostPath: { path } }]
    const with_ = (mountPropagation: string, more: object = {}): object => ({
      volumes,
      containers: [container({ volumeMounts: [{ name: 'shared', mountPath: '/shared', mountPropagation }], ...more })],
    })
    const none = await running('none', with_('None'))
    const from = await running('from', with_('HostToContainer'))
    const both = await running('both', with_('Bidirectional', { securityContext: { privileged: true } }))
    await shell(both, 'mkdir -p /shared/below && mount -t tmpfs tmpfs /shared/below && touch /shared/below/file')
    expect(await shell(from, 'ls /shared/below')).toBe('file\n')
    expect(await shell(none, 'ls /shared/below')).toBe('')
    await shell(both, 'umount /shared/below')
    for (const name of ['none', 'from', 'both']) {
      await node.delete(name)
      await node.untilGone(name)
    }
    await runCommand('umount', [path])
  })

  test('a part of a volume is mounted, also by a name made of variables', async () => {
    const env = [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }]
    const volumeMounts = [
      { name: 'data', mountPath: '/all' },
      { name: 'data', mountPath: '/part', subPath: 'some/part' },
      { name: 'data', mountPath: '/own', subPathExpr: 'of/$(POD)' },
    ]
    const volumes = [{ name: 'data', emptyDir: {} }]
    const pod = await running('parts', { volumes, containers: [container({ env, volumeMounts })] })
    await shell(pod, 'touch /part/a /own/b')
    expect(await shell(pod, 'cd /all && find . -type f | sort')).toBe('./of/parts/b\n./some/part/a\n')
  })

  test('files of an emptyDir in memory are in memory, and bounded', async () => {
    const volumes = [{ name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '2Mi' } }]
    const volumeMounts = [{ name: 'memory', mountPath: '/m' }]
    const pod = await running('memory', { volumes, containers: [container({ volumeMounts })] })
    expect(await shell(pod, 'stat -f -c %T /m; dd if=/dev/zero of=/m/x bs=1M count=3')).toMatch(
      /^tmpfs\n[\s\S]*No space left on device/,
    )
  })

  test('names, aliases and the resolver are as the Pod says', async () => {
    const pod = await running('names', {
      setHostnameAsFQDN: true,
      hostname: 'db-0',
      subdomain: 'db',
      hostAliases: [{ ip: '10.1.2.3', hostnames: ['legacy', 'old'] }],
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['10.9.9.9'], searches: ['example.org'], options: [{ name: 'ndots', value: '2' }] },
    })
    expect(await node.exec(pod, 'hostname')).toBe('db-0.db.default.svc.cluster.local\n')
    expect(await shell(pod, 'cat /etc/hosts')).toContain('10.1.2.3\tlegacy\told')
    expect(await shell(pod, 'cat /etc/resolv.conf')).toBe('search example.org\nnameserver 10.9.9.9\noptions ndots:2\n')
  })

  test('a running Pod takes a container for looking around, which sees the processes of its target', async () => {
    const pod = await running('examined', { containers: [container({}, `${waits} # here`)] })
    await node.kubectl('debug', 'examined', '--image=busybox:1.36', '--target=main', '-c', 'look', '--', 'sleep', '99')
    const after = await node.until(
      'examined',
      found => found?.status.ephemeralContainerStatuses?.[0]?.state?.running !== undefined,
      'examined',
    )
    const id = after!.status.ephemeralContainerStatuses![0]!.containerID!.replace('containerd://', '')
    const { stdout } = await node.machine.doors.runtime.execSync(id, ['ps'], 10_000)
    expect(Buffer.from(stdout).toString()).toContain('# here')
    expect(after?.status.containerStatuses?.[0]?.containerID).toBe(pod.status.containerStatuses?.[0]?.containerID)
  })

  test('hooks run after the start and before the end, and the last words come from the output where asked for', async () => {
    const path = join(node.directory, 'hooks')
    await mkdir(path)
    const lifecycle = {
      postStart: { exec: { command: ['sh', '-c', 'echo started >> /hooks/log'] } },
      preStop: { exec: { command: ['sh', '-c', 'echo ending >> /hooks/log'] } },
    }
    const volumes = [{ name: 'hooks', hostPath: { path } }]
    const volumeMounts = [{ name: 'hooks', mountPath: '/hooks' }]
    const script = `trap 'echo stopped >> /hooks/log; exit' TERM; while true; do sleep 0.1; done`
    await running('hooked', {
      volumes,
      terminationGracePeriodSeconds: 10,
      containers: [container({ lifecycle, volumeMounts }, script)],
    })
    await node.delete('hooked')
    await node.untilGone('hooked')
    const reader = await running('reader', { volumes, containers: [container({ volumeMounts })] })
    expect(await shell(reader, 'cat /hooks/log')).toBe('started\nending\nstopped\n')

    const terminationMessagePolicy = 'FallbackToLogsOnError'
    await node.run('words', {
      restartPolicy: 'Never',
      containers: [container({ terminationMessagePolicy }, 'echo out of ink >&2; exit 9')],
    })
    const ended = await node.until('words', pod => pod?.status.phase === 'Failed', 'failed')
    expect(ended?.status.containerStatuses?.[0]?.state?.terminated).toMatchObject({
      exitCode: 9,
      reason: 'Error',
      message: 'out of ink\n',
    })
  })

  test('the health service of gRPC decides on readiness', async () => {
    const urls = ['--listen-client-urls', 'http://0.0.0.0:2379', '--advertise-client-urls', 'http://0.0.0.0:2379']
    const command = ['etcd', '--data-dir', '/tmp/etcd', ...urls]
    const readinessProbe = { grpc: { port: 2379 }, periodSeconds: 1, failureThreshold: 1 }
    await node.run('grpc', { containers: [{ ...container({ readinessProbe }), image: ETCD, command }] })
    await node.untilReady('grpc')
    const wrong = { grpc: { port: 2379, service: 'nobody' }, periodSeconds: 1, failureThreshold: 1 }
    await node.run('grpc-not', { containers: [{ ...container({ readinessProbe: wrong }), image: ETCD, command }] })
    await expect
      .poll(() => node.events(), { timeout: 20_000 })
      .toContainEqual(
        expect.stringMatching(
          /^Unhealthy Readiness probe failed: error: health rpc probe failed: rpc error: code = NotFound desc = unknown service/,
        ),
      )
  })

  test('the endpoint tells what the machine and its Pods use', async () => {
    const pod = await running('measured', {})
    const summary = JSON.parse(await node.kubectl('get', '--raw', '/api/v1/nodes/real1/proxy/stats/summary'))
    const own = summary.pods.find(({ podRef }: { podRef: { uid: string } }) => podRef.uid === pod.metadata.uid)
    expect(own.containers[0]).toMatchObject({ name: 'main', memory: { workingSetBytes: expect.any(Number) } })
    expect(summary.node.fs.capacityBytes).toBeGreaterThan(0)
    const metrics = await node.kubectl('get', '--raw', '/api/v1/nodes/real1/proxy/metrics/resource')
    expect(metrics).toMatch(/container_cpu_usage_seconds_total\{.*pod="measured"/)
    expect(metrics).toMatch(/node_memory_working_set_bytes/)
  })

  test('logs are cut by time, by bytes, and told of the container before', async () => {
    await node.run('twice', { containers: [container({}, 'echo run $(cat /proc/uptime); exit 1')] })
    await node.until('twice', pod => (pod?.status.containerStatuses?.[0]?.restartCount ?? 0) > 0, 'restarted')
    await node.until('twice', pod => pod?.status.containerStatuses?.[0]?.state?.waiting !== undefined, 'waiting')
    const [previous, latest] = [await node.kubectl('logs', 'twice', '-p'), await node.kubectl('logs', 'twice')]
    expect(previous).toMatch(/^run /)
    expect(latest).toMatch(/^run /)
    expect(await node.kubectl('logs', 'twice', '--limit-bytes=3')).toBe('run')
    expect(await node.kubectl('logs', 'twice', '--since-time=2100-01-01T00:00:00Z')).toBe('')
  })

  test('a manifest on the machine is a Pod with logs, and is gone with its file', async () => {
    const image = 'busybox:1.36'
    const command = `["sh", "-c", "echo here; ${waits}"]`
    const spec = `containers: [{ name: main, image: '${image}', command: ${command} }]`
    await node.setManifest(
      'own',
      `kind: Pod\nmetadata: { name: own }\nspec: { terminationGracePeriodSeconds: 1, ${spec} }\n`,
    )
    const pod = await node.untilReady('own-real1')
    expect(pod.status.podIP).toMatch(/^10\.244\.88\./)
    expect(await node.kubectl('logs', 'own-real1')).toBe('here\n')
    expect(await node.kubectl('exec', 'own-real1', '--', 'hostname')).toBe('own-real1\n')
    await node.setManifest('own')
    await node.untilGone('own-real1')
  })
})
