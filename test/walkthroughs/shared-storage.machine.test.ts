/**
 * Walkthrough E on an NFS server's volumes, over three machines. The kernel of the test machine may have no NFS client,
 * so `mount.nfs`, which mount(8) calls, is a stand-in here: it notes what it is asked for and shows the directory itself.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeAsRoot } from '../needs-root.ts'
import { manifest, RealCluster } from './real-cluster.ts'

const MOUNT_NFS = '/sbin/mount.nfs'
const isOurs = !existsSync(MOUNT_NFS) || readFileSync(MOUNT_NFS, 'utf8').includes('holdfast-exports-')
const exported = mkdtempSync(join(tmpdir(), 'holdfast-exports-'))
const asked = join(exported, 'asked')

const standIn = `#!/bin/sh
echo "$@" >> ${asked}
exec mount --bind "\${1#*:}" "$2"
`

describeAsRoot('state on an NFS server', () => {
  let cluster: RealCluster
  beforeAll(async () => {
    if (isOurs) writeFileSync(MOUNT_NFS, standIn, { mode: 0o755 })
    for (const ordinal of [0, 1, 2]) mkdirSync(join(exported, `k8sdemo-${ordinal}`), { mode: 0o777 })
    cluster = await RealCluster.up({ nodes: 3, images: ['k8sdemo'] })
  }, 240_000)
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]()
    if (isOurs) rmSync(MOUNT_NFS)
    rmSync(exported, { recursive: true, force: true })
  }, 60_000)

  const allThree = () => cluster.ask('wait sts/k8sdemo --for=jsonpath={.status.availableReplicas}=3 --timeout=90s')

  test.runIf(isOurs)('is there for a Pod again that comes back on another machine', { timeout: 180_000 }, async () => {
    const onNfs = manifest('k8sdemo.yaml').replaceAll(
      /hostPath: \{ path: VOLUMES\/(\S+), type: DirectoryOrCreate \}/g,
      `mountOptions: [nfsvers=4.1, hard]\n  nfs: { server: nfs.example, path: ${exported}/$1 }`,
    )
    await cluster.ask('apply -f -', onNfs)
    await allThree()
    const volume = await cluster.ask('get pvc data-k8sdemo-1 -o jsonpath={.spec.volumeName}')
    const machine = await cluster.ask('get pod k8sdemo-1 -o jsonpath={.spec.nodeName}')
    const line = readFileSync(asked, 'utf8')
      .split('\n')
      .find(text => text.startsWith(`nfs.example:${exported}/${volume} `))
    expect(line).toContain('nfsvers=4.1,hard')
    const log = () => readFileSync(join(exported, volume, 'requests.log'), 'utf8')
    const screen = await cluster.onTerminal('kubectl exec -it k8sdemo-0 -- bash', {
      prompt: /# $/,
      lines: ['curl k8sdemo-1.k8sdemo-service/before', 'exit'],
    })
    expect(screen).toContain('k8sdemo-1 answers /before')
    expect(log()).toMatch(/k8sdemo-1 .*\/before/)
    await cluster.ask(`cordon ${machine}`)
    expect(await cluster.ask('delete pod k8sdemo-1')).toBe('pod "k8sdemo-1" deleted\n')
    await allThree()
    expect(await cluster.ask('get pod k8sdemo-1 -o jsonpath={.spec.nodeName}')).not.toBe(machine)
    await cluster.ask('exec k8sdemo-0 -- curl -s k8sdemo-1.k8sdemo-service/after')
    expect(log()).toMatch(/\/before[\s\S]*k8sdemo-1 .*\/after/)
    await cluster.ask('delete sts k8sdemo')
    await cluster.ask('wait --for=delete pod/k8sdemo-0 pod/k8sdemo-1 pod/k8sdemo-2 --timeout=60s')
    await cluster.until(
      'nothing of it is mounted any more',
      async () => readFileSync('/proc/self/mounts', 'utf8'),
      mounts => !mounts.includes('kubernetes.io~nfs'),
    )
  })
})
