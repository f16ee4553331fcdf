import { expect, test } from 'vitest'
import { serviceObject } from '../../test/network/objects.ts'
import type { Service } from '../api/core-v1/types.ts'
import { silentLogger } from '../machinery/logger.ts'
import { type HealthAnswer, HealthChecks } from './health-checks.ts'
import { nodeHealthDoor } from './node-health-door.ts'

const balanced = (healthCheckNodePort: number): Service =>
  serviceObject('web', { spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort } })

test('the port follows the Service: it opens, moves and closes with it', async () => {
  const open = new Map<number, () => HealthAnswer>()
  const door = {
    listen: async (port: number, answer: () => HealthAnswer) => {
      open.set(port, answer)
      return { [Symbol.asyncDispose]: async () => void open.delete(port) }
    },
  }
  await using checks = new HealthChecks(door, silentLogger)
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }
  checks.follow('default/web', balanced(31_000), 2)
  await settled()
  expect(open.get(31_000)!()).toMatchObject({ status: 200 })
  checks.follow('default/web', balanced(31_000), 0)
  expect(open.get(31_000)!()).toMatchObject({ status: 503 })
  checks.follow('default/web', balanced(31_001), 1)
  await settled()
  expect([...open.keys()]).toEqual([31_001])
  checks.follow('default/web', undefined, 0)
  await settled()
  expect([...open.keys()]).toEqual([])
})

test('it answers over HTTP', async () => {
  await using _server = await nodeHealthDoor.listen(31_999, () => ({ status: 503, body: '{"localEndpoints":0}\n' }))
  const response = await fetch('http://127.0.0.1:31999/')
  expect([response.status, await response.json()]).toEqual([503, { localEndpoints: 0 }])
})
