/** Walkthrough B: storage that stays. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manifest, RealCluster } from './real-cluster.ts'

const volumes = mkdtempSync(join(tmpdir(), 'holdfast-volumes-'))
let cluster: RealCluster
beforeAll(async () => {
  cluster = await RealCluster.up({ images: ['nginx'], flags: ['--default-storage', 'false'] })
}, 180_000)
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]()
  rmSync(volumes, { recursive: true, force: true })
}, 60_000)

const replicasAre = (count: number) =>
  cluster.ask(`wait sts/web --for=jsonpath={.status.availableReplicas}=${count} --timeout=90s`)
const page = (ordinal: number) => cluster.ask(`exec web-${ordinal} -- cat /usr/share/nginx/html/index.html`)

test('volumes that an administrator made are bound to the claims of the set', { timeout: 120_000 }, async () => {
  const made = await cluster.ask('apply -f -', manifest('pv.yaml').replaceAll('VOLUMES', volumes))
  expect(made).toBe('persistentvolume/pv001 created\npersistentvolume/pv002 created\n')
  expect(await cluster.ask('get pv')).toMatch(/pv001 +1Gi +RWO +Retain +Available +<unset> +\d+s/)
  await cluster.ask('apply -f -', manifest('nginx-sts.yaml'))
  await replicasAre(2)
  const claims = await cluster.ask('get pvc')
  expect(claims).toMatch(/www-web-0 +Bound +pv00[12] +1Gi +RWO/)
  expect(claims).toMatch(/www-web-1 +Bound +pv00[12] +1Gi +RWO/)
  expect(await cluster.ask('get pv')).toMatch(/Bound +default\/www-web-0/)
})

test('each Pod finds its own page again after deletion, scaling to zero and back, and a new set', {
  timeout: 180_000,
}, async () => {
  for (const ordinal of [0, 1]) {
    await cluster.ask(`exec web-${ordinal} -- sh -c 'echo "page of web-${ordinal}" > /usr/share/nginx/html/index.html'`)
  }
  const bothPages = async () => [await page(0), await page(1)]
  const expected = ['page of web-0\n', 'page of web-1\n']
  await cluster.ask('delete pod -l app=nginx')
  await replicasAre(2)
  expect(await bothPages()).toEqual(expected)
  await cluster.ask('scale sts web --replicas=0')
  await cluster.ask('wait --for=delete pod/web-0 --timeout=60s')
  expect((await cluster.ask('get pvc -o name')).trim().split('\n')).toHaveLength(2)
  await cluster.ask('scale sts web --replicas=2')
  await replicasAre(2)
  expect(await bothPages()).toEqual(expected)
  await cluster.ask('delete sts web')
  await cluster.ask('wait --for=delete pod/web-0 pod/web-1 --timeout=60s')
  await cluster.ask('apply -f -', manifest('nginx-sts.yaml'))
  await replicasAre(2)
  expect(await bothPages()).toEqual(expected)
})

test('a claim in use stays until its Pod is gone, and its retained volume is released and not bound again', {
  timeout: 120_000,
}, async () => {
  await cluster.ask('delete pvc www-web-1 --wait=false')
  expect(await cluster.ask('get pvc www-web-1')).toMatch(/www-web-1 +Terminating/)
  expect(await cluster.ask('get pvc www-web-1 -o jsonpath={.metadata.finalizers}')).toContain(
    'kubernetes.io/pvc-protection',
  )
  const volume = await cluster.ask('get pvc www-web-1 -o jsonpath={.spec.volumeName}')
  await cluster.ask('scale sts web --replicas=1')
  await cluster.ask('wait --for=delete pvc/www-web-1 --timeout=60s')
  await cluster.ask(`wait pv/${volume} --for=jsonpath={.status.phase}=Released --timeout=30s`)
})

test('a set that lacks a volume says which claim waits, and for what', { timeout: 60_000 }, async () => {
  await cluster.ask('scale sts web --replicas=3')
  const condition = '{.status.conditions[?(@.type=="Progressing")].message}'
  const message = await cluster.until(
    'the set says why',
    () => cluster.ask(`get sts web -o jsonpath=${condition}`),
    text => text.includes('www-web-1'),
  )
  expect(message).toMatch(/Pod web-1 cannot be scheduled: .*claim www-web-1.*not bound/)
})
