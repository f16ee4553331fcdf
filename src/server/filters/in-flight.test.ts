import { expect, test } from 'vitest'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { isStatusError } from '../../machinery/status.ts'
import { InFlightLimiter } from './in-flight.ts'

/** Two places, both taken by others; so each user may hold one. */
function busyLimiter() {
  const clock = new VirtualClock()
  const limiter = new InFlightLimiter({ concurrencyMax: 2, queuedPerUserMax: 3, waitMsMax: 1000 }, clock)
  expect(limiter.acquire('first')).toBeUndefined()
  expect(limiter.acquire('second')).toBeUndefined()
  return { clock, limiter }
}

test('users take turns when all places are taken, however many requests one of them has waiting', async () => {
  const { limiter, clock } = busyLimiter()
  const order: string[] = []
  for (const user of ['flood', 'flood', 'flood', 'quiet']) void limiter.acquire(user)?.then(() => order.push(user))
  limiter.release('first')
  limiter.release('second')
  await clock.rest()
  expect(order).toEqual(['flood', 'quiet'])
  limiter.release('flood')
  await clock.rest()
  expect(order).toEqual(['flood', 'quiet', 'flood'])
})

test('no user holds more than half of the places', async () => {
  const { limiter, clock } = busyLimiter()
  limiter.release('second')
  const more = limiter.acquire('first')
  expect(more).toBeInstanceOf(Promise)
  expect(limiter.acquire('third')).toBeUndefined()
  limiter.release('first')
  await more
  await clock.rest()
  expect(limiter.running).toBe(2)
})

test('a user with too many requests waiting is told to come again, and others are not', async () => {
  const { limiter } = busyLimiter()
  const [waiting] = [1, 2, 3].map(() => limiter.acquire('flood'))
  expect(() => limiter.acquire('flood')).toThrow(expect.toSatisfy(error => isStatusError(error, 'TooManyRequests')))
  const quiet = limiter.acquire('quiet')
  limiter.release('first')
  limiter.release('second')
  await Promise.all([waiting, quiet])
})

test('a request that has waited too long is refused and leaves the queue', async () => {
  const { limiter, clock } = busyLimiter()
  const refused = expect(limiter.acquire('late')).rejects.toSatisfy(error => isStatusError(error, 'TooManyRequests'))
  await clock.advance(1001)
  await refused
  expect(limiter.waiting).toBe(0)
})
