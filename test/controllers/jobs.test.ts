import { expect, test } from 'vitest'
import { type CronJob, Job } from '../../src/api/batch-v1/types.ts'
import { startCluster } from '../../src/testing/testing.ts'

const template = (restartPolicy = 'Never') => ({
  spec: { restartPolicy, containers: [{ name: 'main', image: 'task' }] },
})
const job = (spec: object = {}) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'pi' },
  spec: { template: template(), ...spec },
})
const ending = (exitCode: number) => () => ({ exitsAfterMs: 5000, exitCode })

test('a Job runs until enough Pods have succeeded', async () => {
  await using cluster = await startCluster({ nodes: 1, images: ending(0) })
  await cluster.apply(job({ completions: 5, parallelism: 2 }))
  await cluster.settle()
  const { status } = await cluster.get<Job>('job/pi')
  expect(status).toMatchObject({ succeeded: 5, ready: 0, terminating: 0 })
  expect(status.conditions?.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
    'SuccessCriteriaMet CompletionsReached',
    'Complete CompletionsReached',
  ])
  expect(status.completionTime).toBeDefined()
  expect(await cluster.events('job/pi')).toContain('Completed Job completed')
  expect((await cluster.pods()).flatMap(({ metadata }) => metadata.finalizers ?? [])).toEqual([])
})

test('a Job whose Pods fail gives up after its limit, ever more slowly', async () => {
  await using cluster = await startCluster({ nodes: 1, images: ending(1) })
  await cluster.apply(job({ backoffLimit: 2 }))
  await cluster.advance('4m')
  const { status } = await cluster.get<Job>('job/pi')
  expect(status).toMatchObject({ failed: 3 })
  expect(status.conditions?.find(({ type }) => type === 'Failed')).toMatchObject({ reason: 'BackoffLimitExceeded' })
  const created = (await cluster.pods()).map(({ metadata }) => Date.parse(metadata.creationTimestamp)).sort()
  expect(created[1]! - created[0]!).toBeGreaterThanOrEqual(15_000)
  expect(created[2]! - created[1]!).toBeGreaterThanOrEqual(25_000)
})

test('a Pod that somebody deletes counts as failed, and is replaced', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  await cluster.apply(job())
  await cluster.settle()
  await cluster.delete(`pod/${(await cluster.podNames())[0]}`)
  await cluster.advance('2m')
  expect((await cluster.get<Job>('job/pi')).status).toMatchObject({ failed: 1, active: 1 })
  expect(await cluster.podNames()).toHaveLength(1)
})

test('each index of an indexed Job succeeds once', async () => {
  await using cluster = await startCluster({ nodes: 1, images: ending(0) })
  await cluster.apply(job({ completions: 3, parallelism: 3, completionMode: 'Indexed' }))
  await cluster.settle()
  expect((await cluster.get<Job>('job/pi')).status).toMatchObject({ succeeded: 3, completedIndexes: '0-2' })
  expect((await cluster.pods()).map(({ spec }) => spec.hostname).sort()).toEqual(['pi-0', 'pi-1', 'pi-2'])
})

test('a finished Job goes with its Pods when its time is over', async () => {
  await using cluster = await startCluster({ nodes: 1, images: ending(0) })
  await cluster.apply(job({ ttlSecondsAfterFinished: 60 }))
  await cluster.settle()
  await cluster.advance('2m')
  expect(await cluster.find('job/pi')).toBeUndefined()
  expect(await cluster.podNames()).toEqual([])
})

test('a deleted Job lets its Pods go', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  await cluster.apply(job({ parallelism: 2, completions: 2 }))
  await cluster.settle()
  await cluster.delete('job/pi', { propagationPolicy: 'Background' })
  await cluster.settle()
  expect(await cluster.podNames()).toEqual([])
})

test('a CronJob starts a Job at each of its times, and keeps the last three', async () => {
  await using cluster = await startCluster({ nodes: 1, images: ending(0) })
  await cluster.apply({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'backup' },
    spec: { schedule: '*/10 * * * *', jobTemplate: { spec: { template: template() } } },
  })
  await cluster.advance('61m')
  const { items } = await cluster.client.list(Job, { namespace: 'default' })
  const minutes = Date.parse('2026-01-01T01:00:00Z') / 60_000
  expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(
    [minutes - 20, minutes - 10, minutes].map(time => `backup-${time}`),
  )
  const { status } = await cluster.get<CronJob>('cronjob/backup')
  expect(status).toMatchObject({ lastScheduleTime: '2026-01-01T01:00:00Z' })
  expect(status.active ?? []).toEqual([])
})
