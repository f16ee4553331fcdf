/** Walkthrough F on three machines: at most one Pod of a name, and at most one user of its volume, whatever fails. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manifest, RealCluster } from './real-cluster.ts'

/** Storage that every machine reaches: they share one filesystem. */
const shared = mkdtempSync(join(tmpdir(), 'holdfast-shared-'))
let cluster: RealCluster
beforeAll(async () => {
  cluster = await RealCluster.up({ nodes: 3, images: ['busybox', 'random-generator'] })
}, 240_000)
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]()
  rmSync(shared, { recursive: true, force: true })
}, 60_000)

const podField = (path: string) => cluster.ask(`get pod rg-1 -o jsonpath={${path}}`)
const condition = () => cluster.ask(`get sts rg -o 'jsonpath={.status.conditions[?(@.type=="Progressing")].message}'`)
const bothAvailable = () => cluster.ask('wait sts/rg --for=jsonpath={.status.availableReplicas}=2 --timeout=90s')

/** Who wrote to the volume of rg-1, in order, each as often as it took over. */
async function holders(): Promise<readonly string[]> {
  const file = join(shared, await cluster.ask('get pvc logs-rg-1 -o jsonpath={.spec.volumeName}'), 'holders.log')
  if (!existsSync(file)) return []
  const writers = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map(line => line.split(' ')[2]!)
  return writers.filter((writer, index) => writer !== writers[index - 1])
}

test('a set of two holds its volumes', { timeout: 90_000 }, async () => {
  await cluster.ask('apply -f -', manifest('pv.yaml').replaceAll('VOLUMES', shared))
  const claims = manifest('rg.yaml').replace('accessModes:', 'storageClassName: ""\n        accessModes:')
  await cluster.ask('apply -f -', claims)
  await bothAvailable()
  const uid = await podField('.metadata.uid')
  await cluster.until('it writes', holders, writers => writers.length > 0)
  expect(await holders()).toEqual([uid])
})

test('a Pod on a machine that lost its power is replaced only when a person says so', {
  timeout: 240_000,
}, async () => {
  const before = await podField('.metadata.uid')
  const machine = await podField('.spec.nodeName')
  expect((await cluster.holdfast('node', 'stop', machine)).out).toBe(`machine "${machine}" is off\n`)
  await cluster.ask(`wait node/${machine} --for=condition=Ready=Unknown --timeout=90s`)
  await cluster.ask('delete pod rg-1 --wait=false')
  const message = await cluster.until('the set says so', condition, text => text.includes('has not answered'))
  expect(message).toContain(`"kubectl delete node ${machine}"`)
  expect(message).toContain('"kubectl delete pod rg-1 -n default --grace-period=0 --force"')
  expect(await podField('.metadata.uid')).toBe(before)
  expect(await holders()).toEqual([before])
  const forced = await cluster.kubectl('delete pod rg-1 --grace-period=0 --force')
  expect(forced.error).toContain(
    'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.',
  )
  await bothAvailable()
  const after = await podField('.metadata.uid')
  expect(await podField('.spec.nodeName')).not.toBe(machine)
  await cluster.until('the new one writes', holders, writers => writers.length > 1)
  expect((await cluster.holdfast('node', 'start', machine)).code).toBe(0)
  await cluster.ask(`wait node/${machine} --for=condition=Ready --timeout=60s`)
  expect(await holders()).toEqual([before, after])
})

test('a machine that is cut off keeps its Pod: nothing takes the name or the volume, and all is well when it is back', {
  timeout: 240_000,
}, async () => {
  const before = await holders()
  const uid = await podField('.metadata.uid')
  const machine = await podField('.spec.nodeName')
  expect((await cluster.holdfast('node', 'cut', machine)).code).toBe(0)
  await cluster.ask(`wait node/${machine} --for=condition=Ready=Unknown --timeout=90s`)
  await cluster.ask('delete pod rg-1 --wait=false')
  await cluster.until('the set says so', condition, text => text.includes('has not answered'))
  expect(await podField('.metadata.uid')).toBe(uid)
  expect(await holders()).toEqual(before)
  expect((await cluster.holdfast('node', 'heal', machine)).code).toBe(0)
  await cluster.until(
    'it is replaced',
    () => podField('.metadata.uid').catch(() => uid),
    now => now !== uid,
  )
  await bothAvailable()
  const after = await podField('.metadata.uid')
  await cluster.until('the new one writes', holders, writers => writers.length > before.length)
  expect(await holders()).toEqual([...before, after])
})

test('deleting the Node of a machine that is off lets its Pod start elsewhere', { timeout: 240_000 }, async () => {
  const before = await holders()
  const machine = await podField('.spec.nodeName')
  await cluster.holdfast('node', 'stop', machine)
  expect(await cluster.ask(`delete node ${machine}`)).toBe(`node "${machine}" deleted\n`)
  await cluster.until(
    'it runs elsewhere',
    () => podField('.spec.nodeName').catch(() => ''),
    now => now !== '' && now !== machine,
    120_000,
  )
  await bothAvailable()
  await cluster.until('the new one writes', holders, writers => writers.length > before.length)
  expect(await holders()).toEqual([...before, await podField('.metadata.uid')])
  await cluster.holdfast('node', 'start', machine)
  await cluster.ask(`wait node/${machine} --for=condition=Ready --timeout=60s`)
})

test('draining a machine takes no more Pods than the disruption budget allows', { timeout: 90_000 }, async () => {
  await cluster.ask('create poddisruptionbudget rg --selector app=random-generator --min-available 2')
  await cluster.until(
    'it is counted',
    () => cluster.ask('get pdb rg'),
    text => /rg +2 +N\/A +0/.test(text),
  )
  const machine = await podField('.spec.nodeName')
  const drained = await cluster.kubectl(`drain ${machine} --timeout=6s`)
  expect(drained.code).not.toBe(0)
  expect(drained.error).toContain("Cannot evict pod as it would violate the pod's disruption budget.")
  expect(await cluster.ask('get pods -l app=random-generator -o name')).toBe('pod/rg-0\npod/rg-1\n')
  await cluster.ask('delete pdb rg')
  const uid = await podField('.metadata.uid')
  expect(await cluster.ask(`drain ${machine}`)).toContain(`node/${machine} drained`)
  await cluster.until(
    'it runs elsewhere',
    () => podField('.metadata.uid').catch(() => uid),
    now => now !== uid,
  )
  await bothAvailable()
  expect(await podField('.spec.nodeName')).not.toBe(machine)
})
