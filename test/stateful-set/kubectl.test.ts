/** What kubectl says of sets, which rests on what the server answers (K1–K19), on a cluster of simulated machines. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Cluster, imagesNamed, startCluster, statefulSet } from '../../src/testing/testing.ts'
import { type Answer, kubectl } from '../server/running-server.ts'

const images = imagesNamed({
  old: { onStart: process => process.print(`old on ${process.hostname}`), exec: () => ({ stdout: 'done\n' }) },
  new: { onStart: process => process.print(`new on ${process.hostname}`), exec: () => ({ stdout: 'done\n' }) },
})

vi.setConfig({ testTimeout: 40_000 })

let cluster: Cluster
let folder: string

beforeAll(async () => {
  cluster = await startCluster({ nodes: 2, images })
  const { kubeconfig } = await cluster.serve({ speed: 20 })
  folder = await mkdtemp(join(tmpdir(), 'holdfast-kubectl-'))
  await writeFile(join(folder, 'config'), kubeconfig)
  await ok('apply -f -', JSON.stringify(setOf()))
  await ok('rollout status sts/web --timeout=20s')
}, 60_000)

afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const run = (line: string, input = ''): Promise<Answer> =>
  kubectl('kubectl', line.split(' '), { kubeconfig: join(folder, 'config'), home: folder, input })

async function ok(line: string, input?: string): Promise<string> {
  const { code, stdout, stderr } = await run(line, input)
  expect({ line, code, stderr: code === 0 ? '' : stderr }).toEqual({ line, code: 0, stderr: '' })
  return stdout
}
const refused = async (line: string, input?: string): Promise<string> => {
  const { code, stderr } = await run(line, input)
  expect({ line, failed: code !== 0 }).toEqual({ line, failed: true })
  return stderr
}
const field = (path: string, what = 'sts web'): Promise<string> => ok(`get ${what} -o jsonpath={${path}}`)
const patch = (spec: object): Promise<string> => ok(`patch sts web -p ${JSON.stringify({ spec })}`)
const settled = (): Promise<string> => ok('rollout status sts/web --timeout=20s')

/** Without empty lists: kubectl would send them each time, and the server leave them out. */
const setOf = () =>
  statefulSet('web', {
    replicas: 3,
    image: 'old',
    container: { volumeMounts: undefined },
    spec: { volumeClaimTemplates: undefined },
  })
const container = setOf().spec.template.spec.containers[0]!.name

test('K1, K2, K3, B17: rollout status tells of each step, and ends when the rollout does', async () => {
  expect(await ok(`set image sts/web ${container}=new`)).toBe('statefulset.apps/web image updated\n')
  const told = await settled()
  expect(told.split('\n').at(-2)).toBe('partitioned roll out complete: 3 new pods have been updated...')
  expect(await ok('rollout status sts/web --watch=false')).toBe(
    'partitioned roll out complete: 3 new pods have been updated...\n',
  )
  await ok('patch sts web --type=json -p [{"op":"remove","path":"/spec/updateStrategy/rollingUpdate"}]')
  const revision = await field('.status.currentRevision')
  expect(await settled()).toBe(`statefulset rolling update complete 3 pods at revision ${revision}...\n`)
  await ok(`set image sts/web ${container}=absent`)
  expect(await refused('rollout status sts/web --timeout=2s')).toContain('error: timed out waiting for the condition')
  await ok(`set image sts/web ${container}=new`)
  await ok('delete pod web-2')
  await settled()
})

test('K3, B17, #64500: rollout status refuses other strategies', async () => {
  await patch({ updateStrategy: { type: 'OnDelete' } })
  expect(await refused('rollout status sts/web')).toBe(
    'error: rollout status is only available for RollingUpdate strategy type\n',
  )
  await patch({ updateStrategy: { type: 'RollingUpdate' } })
})

test('K4: rollout history lists revisions in order, and shows one', async () => {
  await ok('annotate sts web kubernetes.io/change-cause=colour')
  await ok(`set env sts/web COLOUR=blue`)
  await settled()
  const numbers = (await ok('rollout history sts/web')).trim().split('\n')
  expect(numbers.slice(0, 2)).toEqual(['statefulset.apps/web ', 'REVISION  CHANGE-CAUSE'])
  expect(numbers.at(-1)).toMatch(/^\d+ +colour$/)
  const last = numbers.at(-1)!.split(' ')[0]!
  const shown = await ok(`rollout history sts/web --revision=${last}`)
  expect(shown).toMatch(new RegExp(`^statefulset.apps/web with revision #${last}\n`))
  expect(shown).toContain('COLOUR:')
  expect(await refused('rollout history sts/web --revision=99')).toContain('unable to find the specified revision')
})

test('K5, K19: rollout undo says what it would do, goes back by a patch, and finds nothing to do the second time', async () => {
  await ok('set env sts/web SHAPE=round')
  await settled()
  expect(await ok('rollout undo sts/web --dry-run=client')).toContain(
    'statefulset.apps/web will roll back to Pod Template',
  )
  await ok('rollout undo sts/web --dry-run=server')
  expect(await field('.spec.template.spec.containers[0].env')).toContain('SHAPE')
  expect(await ok('rollout undo sts/web')).toBe('statefulset.apps/web rolled back\n')
  await settled()
  expect(await field('.spec.template.spec.containers[0].env')).not.toContain('SHAPE')
  const last = (await ok('rollout history sts/web')).trim().split('\n').at(-1)!.split(' ')[0]!
  // It compares bytes, and older ones write a time into the template that newer servers leave out (H1).
  expect(await ok(`rollout undo sts/web --to-revision=${last}`)).toMatch(
    /^statefulset.apps\/web (rolled back|skipped rollback \(current template already matches revision \d+\))\n$/,
  )
  expect(await refused('rollout undo sts/web --to-revision=99')).toContain(
    'unable to find specified revision 99 in history',
  )
})

test('K6, K7: rollout restart replaces the Pods; pausing is not for sets', async () => {
  const before = await field('.metadata.uid', 'pod web-0')
  expect(await ok('rollout restart sts/web')).toBe('statefulset.apps/web restarted\n')
  await settled()
  expect(await field('.metadata.uid', 'pod web-0')).not.toBe(before)
  expect(await refused('rollout pause sts/web')).toBe('error: statefulsets.apps "web" pausing is not supported\n')
  expect(await refused('rollout resume sts/web')).toBe('error: statefulsets.apps "web" resuming is not supported\n')
})

test('K8, K9: scale and set change what they name, and say what they did not find', async () => {
  expect(await ok('scale sts web --replicas=2')).toBe('statefulset.apps/web scaled\n')
  expect(await refused('scale sts web --current-replicas=7 --replicas=3')).toContain('Expected replicas to be 7, was 2')
  expect(await ok('scale sts web --current-replicas=2 --replicas=3 --timeout=20s')).toBe(
    'statefulset.apps/web scaled\n',
  )
  expect(await refused('set image sts/web other=new')).toContain('error: unable to find container named "other"')
  await settled()
})

test('K10, B15, B20: apply refuses what cannot change, and names each field', async () => {
  const changed = { ...setOf(), spec: { ...setOf().spec, podManagementPolicy: 'Parallel' } }
  const answer = await refused('apply -f -', JSON.stringify(changed))
  expect(answer).toContain('The StatefulSet "web" is invalid: spec.podManagementPolicy: Invalid value:')
  expect(answer).toContain('field is immutable')
})

test('K11, B18: wait sees counters, and a condition that sets elsewhere do not have', async () => {
  expect(await ok('wait --for=jsonpath={.status.readyReplicas}=3 sts/web --timeout=20s')).toBe(
    'statefulset.apps/web condition met\n',
  )
  expect(await ok('wait --for=condition=Progressing sts/web --timeout=20s')).toBe(
    'statefulset.apps/web condition met\n',
  )
  expect(await refused('wait --for=condition=Available sts/web --timeout=1s')).toBe(
    'error: timed out waiting for the condition on statefulsets/web\n',
  )
})

test('K13, K14, P1, P4: get and describe show the set', async () => {
  expect(await ok('get sts -o name')).toBe('statefulset.apps/web\n')
  expect(await ok('get sts')).toMatch(/^NAME +READY +AGE\nweb +3\/3 +\S+\n$/)
  expect(await ok('get sts -A')).toMatch(/^NAMESPACE +NAME +READY +AGE\n/)
  expect(await ok('get sts -o wide')).toMatch(/^NAME +READY +AGE +CONTAINERS +IMAGES\n/)
  const all = await ok('get all -o name')
  expect(all).toContain('statefulset.apps/web')
  expect(all).not.toContain('controllerrevision')
  const described = await ok('describe sts web')
  expect(described).toMatch(/^Replicas: +3 desired \| 3 total$/m)
  expect(described).toMatch(/^Pods Status: +3 Running \/ 0 Waiting \/ 0 Succeeded \/ 0 Failed$/m)
  expect(described).toMatch(/SuccessfulCreate/)
})

test('K15: logs and exec find a Pod of the set; a set cannot be exposed, but be scaled by load', async () => {
  expect(await ok('logs sts/web')).toMatch(/(old|new) on web-\d/)
  expect(await ok('exec sts/web -- anything')).toBe('done\n')
  expect(await refused('expose sts web --port=80')).toContain('error: cannot expose a StatefulSet.apps')
  expect(await ok('autoscale sts web --min=1 --max=3')).toContain('autoscaled')
})

test('K16: drain evicts the Pods of a set without being forced', async () => {
  const node = await field('.spec.nodeName', 'pod web-0')
  expect(await ok(`drain ${node} --ignore-daemonsets --timeout=25s`)).toContain(`node/${node} drained`)
  await ok(`uncordon ${node}`)
  await settled()
})

test('K17: diff and trial runs change nothing, and applying the same again is no change', async () => {
  const input = JSON.stringify({ ...setOf(), spec: { ...setOf().spec, replicas: 1 } })
  expect((await run('diff -f -', input)).code).toBe(1)
  expect(await ok('apply --dry-run=server -f -', input)).toContain('(server dry run)')
  expect(await ok('apply --server-side --force-conflicts --dry-run=server -f -', input)).toContain('(server dry run)')
  expect(await field('.spec.replicas')).toBe('3')
  await ok('apply -f -', JSON.stringify(setOf()))
  expect(await ok('apply -f -', JSON.stringify(setOf()))).toBe('statefulset.apps/web unchanged\n')
  await settled()
})

test('K18: rollout status of a canary ends although old Pods remain', async () => {
  await patch({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } })
  await ok('set env sts/web CANARY=yes')
  expect((await settled()).split('\n').at(-2)).toBe('partitioned roll out complete: 1 new pods have been updated...')
})

test('K12, D10: delete says what it deletes, and warns of force', async () => {
  const forced = await run('delete pod web-0 --force --grace-period=0')
  expect(forced.stderr).toContain('Warning: Immediate deletion does not wait for confirmation')
  expect(forced.stdout).toMatch(/pod "web-0" force deleted/)
  expect(await ok('delete sts web --cascade=orphan')).toMatch(/^statefulset.apps "web" deleted/)
  expect(await ok('get pods -o name')).toContain('pod/web-1')
})
