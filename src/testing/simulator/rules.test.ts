import { expect, test } from 'vitest'
import type { StatefulSet } from '../../api/apps-v1/types.ts'
import type { Pod } from '../../api/core-v1/types.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { Rules } from './rules.ts'

const setOf = (readyReplicas: number): StatefulSet =>
  ({ metadata: { name: 'web', uid: 'set' }, spec: {}, status: { replicas: 1, readyReplicas } }) as StatefulSet

const podOf = (ready: 'True' | 'False'): Pod =>
  ({
    metadata: { name: 'web-0', uid: 'pod' },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready }] },
  }) as unknown as Pod

function start() {
  const clock = new VirtualClock()
  const violations: string[] = []
  return { clock, violations, rules: new Rules(clock, text => void violations.push(text)) }
}

test('a counter is held against the truth of its own moment, also when nothing happens for long after it', async () => {
  const { clock, rules, violations } = start()
  rules.podChanged({ type: 'added', object: podOf('True'), previous: undefined })
  rules.podChanged({ type: 'modified', object: podOf('False'), previous: podOf('True') })
  rules.setChanged({ type: 'added', object: setOf(1), previous: undefined })
  await clock.advance(60_000)
  expect(violations).toEqual([])
})

test('a counter that was not true within the last 15 seconds is told', async () => {
  const { clock, rules, violations } = start()
  rules.podChanged({ type: 'added', object: podOf('True'), previous: undefined })
  rules.podChanged({ type: 'modified', object: podOf('False'), previous: podOf('True') })
  await clock.advance(15_000)
  rules.setChanged({ type: 'added', object: setOf(1), previous: undefined })
  await clock.advance(60_000)
  expect(violations).toEqual(['web says 1 ready Pods of undefined; there are 0'])
})
