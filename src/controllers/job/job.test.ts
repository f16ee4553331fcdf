import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Job, JobStatus } from '../../api/batch-v1/types.ts'
import type { Pod } from '../../api/core-v1/types.ts'
import { metaOf, podOf } from '../fixtures.ts'
import { INDEX_ANNOTATION, indexesIn, indexesText } from './indexes.ts'
import { statusOf } from './status.ts'
import { TRACKING, tallyOf } from './tally.ts'
import { backoffMs, missingIndexes, verdictOf, wantedPods } from './verdict.ts'

const now = new Date('2026-01-01T01:00:00Z')
const jobOf = (spec: Partial<Job['spec']> = {}, status: JobStatus = {}): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: metaOf('pi'),
  spec: { completions: 3, parallelism: 2, template: { spec: { containers: [], restartPolicy: 'Never' } }, ...spec },
  status,
})
const ended = (name: string, phase: 'Succeeded' | 'Failed', more: { tracked?: boolean; index?: number } = {}): Pod => {
  const { tracked = true, index } = more
  const annotations: Record<string, string> = index === undefined ? {} : { [INDEX_ANNOTATION]: String(index) }
  return podOf(name, {
    isReady: false,
    meta: { annotations, ...(tracked && { finalizers: [TRACKING] }) },
    status: { phase },
  })
}
const seen = (job: Job, pods: readonly Pod[]) => {
  const tally = tallyOf(job, pods)
  const verdict = verdictOf(job, pods, { tally, now })
  return { tally, verdict, status: statusOf(job, { pods, tally, verdict, now }) }
}

test('an end is first noted, then the Pod is let go, and only then counted for good', () => {
  const first = seen(jobOf(), [ended('a', 'Succeeded'), ended('b', 'Failed')])
  expect(first.tally.release.map(({ metadata }) => metadata.name)).toEqual(['a', 'b'])
  expect(first.status).toMatchObject({ uncountedTerminatedPods: { succeeded: ['uid-of-a'], failed: ['uid-of-b'] } })
  const released = [ended('a', 'Succeeded', { tracked: false }), ended('b', 'Failed')]
  const second = seen(jobOf({}, first.status), released)
  expect(second.status).toMatchObject({ succeeded: 1, uncountedTerminatedPods: { failed: ['uid-of-b'] } })
  expect(seen(jobOf({}, second.status), []).status).toMatchObject({
    succeeded: 1,
    failed: 1,
    uncountedTerminatedPods: {},
  })
})

test('whatever becomes of the Pods in between, each end is counted once', () => {
  const step = fc.record({ letGo: fc.boolean(), remove: fc.boolean() })
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('Succeeded', 'Failed'), { maxLength: 6 }),
      fc.array(step, { maxLength: 8 }),
      (phases, steps) => {
        let pods = phases.map((phase, at) => ended(`p${at}`, phase as 'Succeeded' | 'Failed'))
        let status: JobStatus = {}
        for (const { letGo, remove } of [...steps, { letGo: true, remove: false }, { letGo: true, remove: true }]) {
          const pass = seen(jobOf({ completions: 100, backoffLimit: 100 }, status), pods)
          status = pass.status
          if (letGo) pods = pods.map(pod => ended(pod.metadata.name, pod.status.phase as 'Failed', { tracked: false }))
          if (remove) pods = pods.filter(pod => pod.metadata.finalizers !== undefined)
        }
        status = seen(jobOf({ completions: 100, backoffLimit: 100 }, status), pods).status
        expect(status.succeeded ?? 0).toBe(phases.filter(phase => phase === 'Succeeded').length)
        expect(status.failed ?? 0).toBe(phases.filter(phase => phase === 'Failed').length)
      },
    ),
  )
})

test('a Job is complete once enough Pods have succeeded and none is left', () => {
  const done = { succeeded: 3 }
  expect(seen(jobOf({}, done), []).status.conditions?.map(({ type }) => type)).toEqual([
    'SuccessCriteriaMet',
    'Complete',
  ])
  expect(seen(jobOf({}, done), [podOf('late')]).status.conditions?.map(({ type }) => type)).toEqual([
    'SuccessCriteriaMet',
  ])
  expect(seen(jobOf({}, done), []).status.completionTime).toBe('2026-01-01T01:00:00Z')
})

test('a Job without a number of completions is complete when one succeeded and all have ended', () => {
  const job = jobOf({ completions: undefined as never })
  const without = { ...job, spec: (({ completions: _, ...rest }) => rest)(job.spec) }
  expect(seen({ ...without, status: { succeeded: 1 } }, [podOf('other')]).verdict.type).toBe('running')
  expect(seen({ ...without, status: { succeeded: 1 } }, []).verdict.type).toBe('succeeding')
})

test('too many failures end the Job, and the decision stands', () => {
  const { verdict, status } = seen(jobOf({ backoffLimit: 1 }, { failed: 2 }), [podOf('left')])
  expect(verdict).toMatchObject({ type: 'failing', reason: 'BackoffLimitExceeded' })
  expect(status.conditions).toMatchObject([
    { type: 'FailureTarget', message: 'Job has reached the specified backoff limit' },
  ])
  const later = seen(jobOf({ backoffLimit: 99 }, status), [])
  expect(later.status.conditions?.map(({ type }) => type)).toEqual(['FailureTarget', 'Failed'])
})

test('restarts in place count against the limit', () => {
  const template = { spec: { containers: [], restartPolicy: 'OnFailure' as const } }
  const containerStatuses = [{ name: 'main', image: '', imageID: '', ready: false, restartCount: 7 }]
  const pod = podOf('a', { status: { phase: 'Running', containerStatuses } })
  expect(seen(jobOf({ template }), [pod]).verdict).toMatchObject({ reason: 'BackoffLimitExceeded' })
})

test('a Job that runs past its deadline has failed', () => {
  const status = { startTime: '2026-01-01T00:00:00Z' }
  expect(seen(jobOf({ activeDeadlineSeconds: 3600 }, status), []).verdict).toMatchObject({ reason: 'DeadlineExceeded' })
  expect(seen(jobOf({ activeDeadlineSeconds: 3601 }, status), []).verdict.type).toBe('running')
})

test('a suspended Job says so and, resumed, starts its time anew', () => {
  const { status } = seen(jobOf({ suspend: true }, { startTime: '2026-01-01T00:00:00Z' }), [])
  expect(status.conditions).toMatchObject([{ type: 'Suspended', status: 'True' }])
  expect(status.startTime).toBeUndefined()
  const resumed = seen(jobOf({}, status), []).status
  expect(resumed.conditions).toMatchObject([{ type: 'Suspended', status: 'False', reason: 'JobResumed' }])
  expect(resumed.startTime).toBe('2026-01-01T01:00:00Z')
})

test('no more Pods run than are still needed', () => {
  const wanted = (succeeded: number) => wantedPods(jobOf(), tallyOf(jobOf({}, { succeeded }), []), 0)
  expect([wanted(0), wanted(2), wanted(3)]).toEqual([2, 1, 0])
})

test('an index succeeds once, and is tried until it does', () => {
  const job = jobOf({ completionMode: 'Indexed' })
  const { tally, status } = seen(job, [ended('a', 'Succeeded', { index: 1 }), ended('b', 'Failed', { index: 0 })])
  expect(status).toMatchObject({ succeeded: 1, completedIndexes: '1' })
  expect(missingIndexes(job, tally, new Set([2]))).toEqual([0])
})

test('indexes are written as runs and read back', () => {
  expect(indexesText([0, 1, 3, 4, 5, 7])).toBe('0,1,3-5,7')
  const indexes = fc.uniqueArray(fc.nat({ max: 30 }))
  fc.assert(
    fc.property(indexes, list => {
      expect([...indexesIn(indexesText(list), 31)]).toEqual([...list].sort((a, b) => a - b))
    }),
  )
})

test('each failure in a row doubles the pause, and a success ends it', () => {
  const failedAt = (name: string, time: string, phase: 'Succeeded' | 'Failed' = 'Failed') =>
    podOf(name, { isReady: false, readySince: time, status: { phase } })
  const first = failedAt('a', '2026-01-01T00:59:55Z')
  expect(backoffMs([first], now)).toBe(5000)
  expect(backoffMs([failedAt('b', '2026-01-01T00:59:00Z'), first], now)).toBe(15_000)
  expect(backoffMs([first, failedAt('c', '2026-01-01T00:59:56Z', 'Succeeded')], now)).toBe(0)
})
