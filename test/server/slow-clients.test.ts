import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HttpClient } from './http-client.ts'
import { type RunningServer, startServer } from './running-server.ts'

const PATIENCE = { handshakeMsMax: 300, headMsMax: 300, requestMsMax: 600, silentMsMax: 600 }
const DRIP_MS = 50

let running: RunningServer
let client: HttpClient

beforeAll(async () => {
  running = await startServer({ patience: PATIENCE })
  client = new HttpClient(running, await running.certificateFor('admin', ['system:masters']))
})
afterAll(async () => {
  client[Symbol.dispose]()
  expect(running.errors).toEqual([])
  await running[Symbol.asyncDispose]()
})

const place = (): { host: string; port: number } => ({ host: '127.0.0.1', port: Number(new URL(running.url).port) })

/** Resolves with all that came until the other end closed. */
function untilClosed(socket: Socket): Promise<string> {
  return new Promise(resolve => {
    const pieces: Buffer[] = []
    socket.on('data', (piece: Buffer) => pieces.push(piece))
    socket.on('error', () => {})
    socket.once('close', () => resolve(Buffer.concat(pieces).toString()))
  })
}

/** One byte after another, each in good time. */
function drip(write: (byte: string) => void, text: string): Disposable {
  let at = 0
  const timer = setInterval(() => write(text[at++ % text.length]!), DRIP_MS)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

const secure = () =>
  connectTls({ ...place(), ca: running.authority.certificate, servername: 'localhost', ALPNProtocols: ['http/1.1'] })

test('a connection that never begins its handshake is closed', async () => {
  await untilClosed(connect(place()))
})

test('a head that comes a byte at a time is not waited for', async () => {
  const socket = secure()
  socket.write('GET /version HTTP/1.1\r\nhost: x\r\nx: ')
  using _drip = drip(byte => socket.write(byte), 'y')
  expect(await untilClosed(socket)).toMatch(/^(HTTP\/1\.1 408|$)/)
})

test('a body that comes a byte at a time is not waited for, by HTTP/1.1', async () => {
  const socket = secure()
  socket.write(
    'POST /api/v1/namespaces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{',
  )
  using _drip = drip(byte => socket.write(byte), ' ')
  await untilClosed(socket)
})

const post = (session: HttpClient['session']) =>
  session.request(
    { ':method': 'POST', ':path': '/api/v1/namespaces', 'content-type': 'application/json' },
    { endStream: false },
  )

test('a body that comes a byte at a time is refused, by HTTP/2', async () => {
  const stream = post(client.session)
  stream.on('error', () => {})
  using _drip = drip(byte => stream.write(byte), ' ')
  const code = await new Promise(resolve => stream.once('response', headers => resolve(headers[':status'])))
  expect(code).toBe(504)
  stream.close()
})

test('a body that does not come at all ends its request, and no other', async () => {
  const stream = post(client.session)
  stream.on('error', () => {})
  await new Promise(resolve => stream.once('close', resolve))
  expect((await client.request('/version')).code).toBe(200)
})

test('an answer that nobody reads is not kept', async () => {
  const data = { key: 'x'.repeat(900_000) }
  for (const name of ['a', 'b', 'c', 'd']) {
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })
    const headers = { 'content-type': 'application/json' }
    await client.request('/api/v1/namespaces/default/configmaps', { method: 'POST', body, headers })
  }
  const admin = await running.certificateFor('admin', ['system:masters'])
  const session = connectHttp2(running.url, {
    ca: running.authority.certificate,
    cert: admin.certificate,
    key: admin.key,
    settings: { initialWindowSize: 1000 },
  })
  const stream = session.request({ ':path': '/api/v1/namespaces/default/configmaps' })
  stream.on('error', () => {})
  stream.pause()
  await new Promise(resolve => stream.once('close', resolve))
  expect(stream.rstCode).toBe(8) // CANCEL, from the server.
  session.destroy()
})

test('while many are slow, others are served at once', async () => {
  const sockets = Array.from({ length: 200 }, () => connect(place()))
  const closed = sockets.map(untilClosed)
  expect((await client.request('/api/v1/namespaces')).code).toBe(200)
  await Promise.all(closed)
})
