import { expect, test } from 'vitest'
import type { Pod } from '../../api/core-v1/types.ts'
import type { ContainerPhase, ContainerRecord, Sandbox } from '../doors.ts'
import { type Health, type PlanInput, planPod, planTermination, stepKey } from './plan.ts'
import type { PodView } from './pod-view.ts'

const identity = { namespace: 'default', name: 'db-0', uid: 'u' }
const at = new Date('2026-01-01T00:00:00Z')

const podOf = (spec: Partial<Pod['spec']>): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { ...identity, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { containers: [{ name: 'main', image: 'app' }], ...spec },
  status: {},
})

const sandboxOf = (id: string, isReady = true, attempt = 0): Sandbox => ({
  id,
  pod: identity,
  attempt,
  isReady,
  createdAt: at,
  addresses: [],
  labels: {},
  annotations: {},
})

const recordOf = (name: string, phase: ContainerPhase, more: Partial<ContainerRecord> = {}): ContainerRecord => ({
  id: `${name}-${more.attempt ?? 0}`,
  sandboxId: 's0',
  pod: identity,
  name,
  attempt: 0,
  phase,
  image: 'app',
  imageId: 'i',
  createdAt: at,
  labels: {},
  annotations: {},
  logPath: '',
  ...more,
})

const well: Health = { isStarted: true, isReady: true }

const inputOf = (pod: Pod, view: PodView, more: Partial<PlanInput> = {}): PlanInput => ({
  pod,
  view,
  health: () => well,
  backoffMs: () => 0,
  starting: new Set(),
  restartCounts: new Map(),
  ...more,
})

const keysOf = (input: PlanInput): string[] => planPod(input).steps.map(stepKey)
const inSandbox = (...containers: readonly ContainerRecord[]): PodView => ({ sandboxes: [sandboxOf('s0')], containers })

test('a Pod with nothing on the machine gets a sandbox first', () => {
  expect(keysOf(inputOf(podOf({}), { sandboxes: [], containers: [] }))).toEqual(['sandbox'])
})

test('a lost sandbox ends what still runs before a new one is made, which counts on', () => {
  const sandboxes = [sandboxOf('s0', false)]
  expect(keysOf(inputOf(podOf({}), { sandboxes, containers: [recordOf('main', 'running')] }))).toEqual(['kill:main-0'])
  const [step] = planPod(inputOf(podOf({}), { sandboxes, containers: [recordOf('main', 'exited')] })).steps
  expect(step).toEqual({ kind: 'createSandbox', attempt: 1 })
})

test('init containers run one at a time, and again in a new sandbox', () => {
  const initContainers = ['a', 'b'].map(name => ({ name, image: 'init' }))
  const pod = podOf({ initContainers })
  expect(keysOf(inputOf(pod, inSandbox()))).toEqual(['start:a'])
  expect(keysOf(inputOf(pod, inSandbox(recordOf('a', 'running'))))).toEqual([])
  expect(keysOf(inputOf(pod, inSandbox(recordOf('a', 'exited', { exitCode: 0 }))))).toEqual(['start:b'])
  const old = [recordOf('a', 'exited', { exitCode: 0, sandboxId: 'old' })]
  expect(keysOf(inputOf(pod, inSandbox(...old)))).toEqual(['start:a'])
})

test('a sidecar must have started before what comes after it starts', () => {
  const pod = podOf({ initContainers: [{ name: 'proxy', image: 'proxy', restartPolicy: 'Always' }] })
  const starting: Health = { isStarted: false, isReady: false }
  const view = inSandbox(recordOf('proxy', 'running'))
  expect(keysOf(inputOf(pod, view, { health: () => starting }))).toEqual([])
  expect(keysOf(inputOf(pod, view))).toEqual(['start:main'])
})

test('main containers start in order for the first time, and a back-off of one holds up no other', () => {
  const pod = podOf({ containers: ['a', 'b'].map(name => ({ name, image: 'app' })) })
  expect(keysOf(inputOf(pod, inSandbox()))).toEqual(['start:a'])
  expect(keysOf(inputOf(pod, inSandbox(), { starting: new Set(['a']) }))).toEqual([])
  const plan = planPod(inputOf(pod, inSandbox(), { backoffMs: name => (name === 'a' ? 500 : 0) }))
  expect(plan.steps.map(stepKey)).toEqual(['start:b'])
  expect(plan.backingOff.get('a')).toBe(500)
})

test('a restart counts on from what is on the machine, or from what the API knows', () => {
  const restart = planPod(inputOf(podOf({}), inSandbox(recordOf('main', 'exited', { exitCode: 1, attempt: 4 }))))
    .steps[0]
  expect(restart).toMatchObject({ kind: 'start', attempt: 5 })
  const known = planPod(inputOf(podOf({}), inSandbox(), { restartCounts: new Map([['main', 7]]) })).steps[0]
  expect(known).toMatchObject({ kind: 'start', attempt: 8 })
  const unstarted = planPod(inputOf(podOf({}), inSandbox(recordOf('main', 'created', { attempt: 2 })))).steps[0]
  expect(unstarted).toMatchObject({ kind: 'start', attempt: 2 })
})

test.each([
  ['Always', 0, false],
  ['OnFailure', 0, true],
  ['OnFailure', 1, false],
  ['Never', 1, true],
] as const)('with restartPolicy %s and exit code %i the Pod is finished: %s', (restartPolicy, exitCode, isFinished) => {
  const view = inSandbox(recordOf('main', 'exited', { exitCode }))
  expect(planPod(inputOf(podOf({ restartPolicy }), view)).isFinished).toBe(isFinished)
})

test('a container that fails a probe is ended with the grace that the probe names', () => {
  const health = (): Health => ({ ...well, failed: { probe: 'liveness', graceSeconds: 5 } })
  const [step] = planPod(inputOf(podOf({}), inSandbox(recordOf('main', 'running')), { health })).steps
  expect(step).toMatchObject({
    kind: 'kill',
    graceMs: 5000,
    message: 'Container main failed liveness probe, will be restarted',
  })
})

test('a Pod ends its main containers at once, then its sidecars from the last, then its sandbox', () => {
  const initContainers = ['one', 'two'].map(name => ({ name, image: 'p', restartPolicy: 'Always' }))
  const pod = podOf({ initContainers })
  const sidecars = ['one', 'two'].map(name => recordOf(name, 'running'))
  const keys = (...containers: readonly ContainerRecord[]): string[] =>
    planTermination(pod, inSandbox(...containers), { graceMs: 1000 }).steps.map(stepKey)
  expect(keys(...sidecars, recordOf('main', 'running'))).toEqual(['kill:main-0'])
  expect(keys(...sidecars)).toEqual(['kill:two-0'])
  expect(keys(sidecars[0]!)).toEqual(['kill:one-0'])
  expect(keys()).toEqual(['stop:s0'])
})
