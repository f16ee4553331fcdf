import { expect, test } from 'vitest'
import type { StatefulSet, StatefulSetStatus } from '../../api/apps-v1/types.ts'
import type { Pod } from '../../api/core-v1/types.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { StatusRules } from './status-rules.ts'

const setOf = (status: Partial<StatefulSetStatus>): StatefulSet =>
  ({ metadata: { name: 'web', uid: 'set' }, spec: { minReadySeconds: 10 }, status }) as StatefulSet

const podOf = (ready: 'True' | 'False', more: object = {}): Pod =>
  ({
    metadata: { name: 'web-0', uid: 'pod', labels: { 'controller-revision-hash': 'web-a' }, ...more },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready }] },
  }) as unknown as Pod

function start() {
  const clock = new VirtualClock()
  const violations: string[] = []
  const rules = new StatusRules(clock, text => void violations.push(text))
  const says = async (status: Partial<StatefulSetStatus>): Promise<readonly string[]> => {
    rules.setChanged({ type: 'modified', object: setOf(status), previous: undefined })
    await clock.advance(60_000)
    return violations.splice(0)
  }
  const isSeen = (pod: Pod): void => rules.podChanged({ type: 'modified', object: pod, previous: undefined })
  return { clock, says, isSeen }
}

test('a counter is held against the truth of its own moment, also when nothing happens for long after it', async () => {
  const { says, isSeen } = start()
  isSeen(podOf('True'))
  isSeen(podOf('False'))
  expect(await says({ replicas: 1, readyReplicas: 1 })).toEqual([])
})

test('a counter that was not true within the last 15 seconds is told', async () => {
  const { clock, says, isSeen } = start()
  isSeen(podOf('True'))
  isSeen(podOf('False'))
  await clock.advance(15_000)
  expect(await says({ replicas: 1, readyReplicas: 1 })).toEqual(['web says 1 ready Pods; there are 0'])
})

test('a Pod counts as available only when it has been ready for minReadySeconds, as far as clocks can tell', async () => {
  const { clock, says, isSeen } = start()
  isSeen(podOf('True'))
  await clock.advance(2000)
  expect(await says({ availableReplicas: 1 })).toEqual(['web says 1 available Pods; there are 0'])
  expect(await says({ availableReplicas: 1 })).toEqual([])
  isSeen(podOf('False'))
  expect(await says({ availableReplicas: 1 })).toEqual([])
})

test('a Pod counts at its own revision, and at none when it is on its way out', async () => {
  const { clock, says, isSeen } = start()
  const status = { currentRevision: 'web-a', updateRevision: 'web-b' }
  isSeen(podOf('True'))
  expect(await says({ ...status, currentReplicas: 1 })).toEqual([])
  expect(await says({ ...status, updatedReplicas: 1 })).toEqual(['web says 1 Pods at web-b; there are 0'])
  isSeen(podOf('True', { deletionTimestamp: '2026-01-01T00:00:00Z' }))
  await clock.advance(15_000)
  expect(await says({ ...status, readyReplicas: 1 })).toEqual([])
  expect(await says({ ...status, currentReplicas: 1 })).toEqual(['web says 1 Pods at web-a; there are 0'])
})
