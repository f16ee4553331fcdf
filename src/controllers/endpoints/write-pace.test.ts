import { expect, test } from 'vitest'
import type { Endpoints } from '../../api/core-v1/types.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { metaOf } from '../fixtures.ts'
import { WritePace } from './write-pace.ts'

const ofSize = (size: number): Endpoints => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: metaOf('web') as Endpoints['metadata'],
  subsets: [{ addresses: Array.from({ length: size }, () => ({ ip: '10.244.0.1' })) }],
})

test('small objects are written at once, large ones after a pause of their size', async () => {
  const clock = new VirtualClock()
  const pace = new WritePace(clock)
  expect(pace.untilNextMs('demo/web', ofSize(1000))).toBe(0)
  pace.note('demo/web')
  expect(pace.untilNextMs('demo/web', ofSize(50))).toBe(0)
  expect(pace.untilNextMs('demo/web', ofSize(150))).toBe(100)
  await clock.advance(100)
  expect(pace.untilNextMs('demo/web', ofSize(150))).toBe(0)
})
