import type { ClientHttp2Stream } from 'node:http2'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HttpClient } from './http-client.ts'
import { type RunningServer, startServer } from './running-server.ts'

let running: RunningServer

beforeAll(async () => {
  running = await startServer()
})
afterAll(async () => {
  expect(running.errors).toEqual([])
  await running[Symbol.asyncDispose]()
})

const MASTERS = ['system:masters']
const JSON_BODY = { 'content-type': 'application/json' }
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'
const configMap = (name: string): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })

interface Refusal {
  readonly code: number
  readonly retryAfter: unknown
}

test('a user who floods the server is told to come again, and others are served meanwhile', async () => {
  using flood = new HttpClient(running, await running.certificateFor('flood', MASTERS))
  using quiet = new HttpClient(running, await running.certificateFor('quiet', MASTERS))
  const streams: ClientHttp2Stream[] = []
  const { promise: refused, resolve } = Promise.withResolvers<Refusal>()
  for (let n = 0; n < 800; n++) {
    // Each holds a place, or waits for one: its body never ends.
    const head = { ':method': 'POST', ':path': CONFIG_MAPS, ...JSON_BODY }
    const stream = flood.session.request(head, { endStream: false })
    stream.on('error', () => {})
    stream.once('response', headers => resolve({ code: headers[':status']!, retryAfter: headers['retry-after'] }))
    streams.push(stream)
  }
  expect(await refused).toEqual({ code: 429, retryAfter: '1' })
  for (let n = 0; n < 20; n++) {
    const created = await quiet.request(CONFIG_MAPS, { method: 'POST', body: configMap(`q-${n}`), headers: JSON_BODY })
    expect(created.code).toBe(201)
    expect((await quiet.request(`${CONFIG_MAPS}/q-${n}`)).code).toBe(200)
  }
  // Whoever floods with writes may still read: the two have places of their own.
  expect((await flood.request('/api/v1/namespaces')).code).toBe(200)
  for (const stream of streams) stream.close()
})

test('health is told however busy the server is', async () => {
  using flood = new HttpClient(running, await running.certificateFor('flood', MASTERS))
  for (let n = 0; n < 800; n++) {
    const head = { ':method': 'POST', ':path': CONFIG_MAPS, ...JSON_BODY }
    flood.session.request(head, { endStream: false }).on('error', () => {})
  }
  using anybody = new HttpClient(running)
  expect((await anybody.request('/readyz')).bytes.toString()).toBe('ok')
})
