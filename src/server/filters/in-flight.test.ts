import { expect, test } from 'vitest'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { isStatusError } from '../../machinery/status.ts'
import { InFlightLimiter } from './in-flight.ts'

const limiterOf = (clock = new VirtualClock()) => ({
  clock,
  limiter: new InFlightLimiter({ concurrencyMax: 2, queuedPerUserMax: 3, waitMsMax: 1000 }, clock),
})

test('places are free at once while there are any', () => {
  const { limiter } = limiterOf()
  expect(limiter.acquire('a')).toBeUndefined()
  expect(limiter.acquire('a')).toBeUndefined()
  expect(limiter.running).toBe(2)
})

test('users take turns when all places are taken, however many requests one of them has waiting', async () => {
  const { limiter, clock } = limiterOf()
  limiter.acquire('flood')
  limiter.acquire('flood')
  const order: string[] = []
  for (const user of ['flood', 'flood', 'flood', 'quiet']) void limiter.acquire(user)?.then(() => order.push(user))
  for (let served = 0; served < 4; served++) {
    limiter.release()
    await clock.rest()
  }
  expect(order).toEqual(['flood', 'quiet', 'flood', 'flood'])
})

test('a user with too many requests waiting is told to come again, and others are not', async () => {
  const { limiter } = limiterOf()
  limiter.acquire('flood')
  limiter.acquire('flood')
  const waiting = [1, 2, 3].map(() => limiter.acquire('flood'))
  expect(() => limiter.acquire('flood')).toThrow(expect.toSatisfy(error => isStatusError(error, 'TooManyRequests')))
  const quiet = limiter.acquire('quiet')
  limiter.release()
  limiter.release()
  await Promise.all([waiting[0], quiet])
})

test('a request that has waited too long is refused and leaves the queue', async () => {
  const { limiter, clock } = limiterOf()
  limiter.acquire('a')
  limiter.acquire('a')
  const refused = expect(limiter.acquire('b')).rejects.toSatisfy(error => isStatusError(error, 'TooManyRequests'))
  await clock.advance(1001)
  await refused
  expect(limiter.waiting).toBe(0)
})
