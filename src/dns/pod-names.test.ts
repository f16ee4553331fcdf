import { beforeEach, expect, test } from 'vitest'
import { HandFedInformers } from '../../test/network/hand-fed-informers.ts'
import { endpoint, headlessObject, podObject, sliceObject } from '../../test/network/objects.ts'
import { Service } from '../api/core-v1/types.ts'
import { EndpointSlice } from '../api/discovery-v1/types.ts'
import { clusterCatalog } from './cluster/catalog.ts'
import { type WhenPodNamesAnswer, whenPodNamesAnswer } from './pod-names.ts'

const pod = podObject('web-0', '10.244.0.5', { subdomain: 'web', hostname: 'web-0' })
const publishing = headlessObject('web', { spec: { publishNotReadyAddresses: true, selector: { app: 'web' } } })

let cluster: HandFedInformers
let runTimers: (() => void)[]
let whenAnswered: WhenPodNamesAnswer
let signal: AbortSignal

beforeEach(() => {
  cluster = new HandFedInformers()
  runTimers = []
  const schedule = (_delayMs: number, run: () => void) => {
    runTimers.push(run)
    return { cancel: () => {}, [Symbol.dispose]: () => {} }
  }
  const clock = { schedule, now: () => new Date(0), monotonicMs: () => 0, sleep: async () => {} }
  whenAnswered = whenPodNamesAnswer({ catalog: clusterCatalog(cluster), clock })
  cluster.sync()
  signal = new AbortController().signal
})

test('a Pod waits until its name answers with its own address', async () => {
  cluster.set(Service, publishing)
  cluster.set(EndpointSlice, sliceObject('web', [endpoint('10.244.0.4', 'web-0')])) // Its predecessor's.
  let isAnswered = false
  const waiting = whenAnswered(pod, signal).then(() => {
    isAnswered = true
  })
  await Promise.resolve()
  expect(isAnswered).toBe(false)
  cluster.set(EndpointSlice, sliceObject('web', [endpoint('10.244.0.5', 'web-0', { ready: false })]))
  await waiting
})

test.each([
  ['has no subdomain', podObject('web-0', '10.244.0.5'), publishing],
  ['has a Service that publishes only the ready', pod, headlessObject('web')],
])('a Pod that %s does not wait', async (_, subject, service) => {
  cluster.set(Service, service)
  await whenAnswered(subject, signal)
  expect(runTimers).toEqual([])
})

test('a Pod without such a Service does not wait', async () => {
  await whenAnswered(pod, signal)
  expect(runTimers).toEqual([])
})

test('a Pod does not wait for ever', async () => {
  cluster.set(Service, publishing)
  const waiting = whenAnswered(pod, signal)
  for (const run of runTimers) run()
  await waiting
})

test('a Pod that is given up stops waiting', async () => {
  cluster.set(Service, publishing)
  const stop = new AbortController()
  const waiting = whenAnswered(pod, stop.signal)
  stop.abort(new Error('deleted'))
  await expect(waiting).rejects.toThrow('deleted')
})
