import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { nodeHealthDoor } from './node-health-door.ts'

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

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
