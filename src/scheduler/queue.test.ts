import { expect, test } from 'vitest'
import { VirtualClock } from '../fakes/virtual-clock.ts'
import { podOf } from './fixtures.ts'
import type { NodeInfo } from './node-info.ts'
import type { Plugin } from './plugin.ts'
import { podInfoOf } from './pod-info.ts'
import { SchedulingQueue } from './queue.ts'

const event = { kind: 'nodeRemoved', node: {} as NodeInfo } as const // The plugins here do not look at it.

function queueWith(...plugins: readonly Plugin[]) {
  const clock = new VirtualClock()
  return { clock, queue: new SchedulingQueue({ clock, plugins }) }
}
const put = (queue: SchedulingQueue, name: string, priority = 0) =>
  queue.put(podInfoOf(podOf(name, { spec: { priority } })))

test('pauses double from one second up to ten', async () => {
  const { clock, queue } = queueWith()
  put(queue, 'web-0')
  const pausesMs: number[] = []
  for (let attempt = 0; attempt < 6; attempt++) {
    queue.failed(queue.pop()!)
    const failedMs = clock.monotonicMs()
    while (queue.count('active') === 0) await clock.advance(100)
    pausesMs.push(clock.monotonicMs() - failedMs)
  }
  expect(pausesMs).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000])
})

test('an event that one of the refusing plugins calls helpful wakes the Pod, after its pause', async () => {
  const plugins: Plugin[] = [
    { name: 'Helped', helpedBy: { nodeRemoved: () => true } },
    { name: 'Deaf', helpedBy: { nodeRemoved: () => false } },
  ]
  const { clock, queue } = queueWith(...plugins)
  put(queue, 'a')
  put(queue, 'b')
  queue.refused(queue.pop()!, new Set(['Helped', 'Deaf']))
  queue.refused(queue.pop()!, new Set(['Deaf']))
  queue.wake(event)
  expect([queue.count('backoff'), queue.count('unschedulable')]).toEqual([1, 1])
  await clock.advance(1000)
  expect(queue.pop()?.info.key).toBe('default/a')
})

test('ten thousand Pods that fit nowhere are not even looked at for an event that none of their plugins knows', () => {
  let looks = 0
  const counted: Plugin = { name: 'Counted', helpedBy: { nodeRemoved: () => ++looks < 0 } }
  const { queue } = queueWith(counted, { name: 'Other' })
  for (let i = 0; i < 10_000; i++) put(queue, `pod-${i}`)
  for (let pod = queue.pop(); pod; pod = queue.pop()) queue.refused(pod, new Set(['Other']))
  queue.wake(event)
  expect(looks).toBe(0)
  expect(queue.count('unschedulable')).toBe(10_000)
})

test('a change of the Pod itself earns a new attempt, a change of its status does not', () => {
  const { queue } = queueWith()
  const pod = podOf('web-0')
  queue.put(podInfoOf(pod))
  queue.refused(queue.pop()!, new Set(['Any']))
  queue.put(podInfoOf({ ...pod, status: { phase: 'Pending' } }))
  expect(queue.count('unschedulable')).toBe(1)
  queue.put(podInfoOf({ ...pod, spec: { ...pod.spec, tolerations: [{ operator: 'Exists' }] } }))
  expect(queue.count('backoff')).toBe(1)
})

test('a Pod that is gone comes out no more, and may come in again', () => {
  const { queue } = queueWith()
  put(queue, 'web-0')
  queue.remove('uid-of-web-0')
  expect(queue.pop()).toBeUndefined()
  put(queue, 'web-0')
  expect(queue.pop()?.attempts).toBe(1)
})
