import { expect, test } from 'vitest'
import { freePort } from '../../test/free-port.ts'
import { nodeHealthDoor } from './node-health-door.ts'

test('a load balancer is told the state of the moment, until the port is closed', async () => {
  const port = await freePort()
  let status = 503
  const door = await nodeHealthDoor.listen(port, () => ({ status, body: '{"localEndpoints":0}\n' }))
  const ask = (): Promise<Response> => fetch(`http://127.0.0.1:${port}/healthz`)
  expect((await ask()).status).toBe(503)
  status = 200
  const answer = await ask()
  expect([answer.status, await answer.json()]).toEqual([200, { localEndpoints: 0 }])
  await door[Symbol.asyncDispose]()
  await expect(ask()).rejects.toThrow()
})

test('a port that somebody else has is refused', async () => {
  const port = await freePort()
  await using _first = await nodeHealthDoor.listen(port, () => ({ status: 200, body: '' }))
  await expect(nodeHealthDoor.listen(port, () => ({ status: 200, body: '' }))).rejects.toThrow('EADDRINUSE')
})
