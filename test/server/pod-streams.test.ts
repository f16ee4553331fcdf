import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Node, Pod, ServiceAccount } from '../../src/api/core-v1/types.ts'
import { apiClient } from '../../src/client/api-client.ts'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { systemRandom } from '../../src/machinery/system-random.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../../src/server/pki/certificate.ts'
import { httpsNodeConnection } from '../../src/server/streams/https-node-connection.ts'
import { HttpClient } from './http-client.ts'
import { type RunningServer, startServer } from './running-server.ts'

const dependencies = { clock: systemClock, random: systemRandom }

/** Answers like a kubelet: logs as text, and after a change of protocol it echoes what it hears. */
async function fakeKubelet(authority: KeyPair): Promise<{ server: Server; port: number; seen: string[] }> {
  const request = { commonName: 'system:node:n1', usage: 'server', ipAddresses: ['127.0.0.1'] } as const
  const { certificate, key } = await issueCertificate(authority, request, dependencies)
  const seen: string[] = []
  const server = createServer(
    { cert: certificate, key, ca: authority.certificate, requestCert: true },
    (message, response) => {
      seen.push(`${message.method} ${message.url}`)
      if (message.url!.includes('waiting')) {
        response.writeHead(400).end('container "waiting" in pod "web" is waiting to start: ContainerCreating')
      } else response.end(`log of ${message.url}`)
    },
  )
  server.on('upgrade', (message, socket: Duplex, head: Buffer) => {
    seen.push(`${message.method} ${message.url} ${message.headers.authorization ?? 'no credentials'}`)
    socket.on('error', () => {})
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\nhello ',
    )
    socket.write(head)
    socket.pipe(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port, seen }
}

let authority: KeyPair
let kubelet: Awaited<ReturnType<typeof fakeKubelet>>
let running: RunningServer
let admin: KeyPair

beforeAll(async () => {
  authority = await createAuthority('kubelets', dependencies)
  kubelet = await fakeKubelet(authority)
  const certificate = await issueCertificate(authority, { commonName: 'apiserver', usage: 'client' }, dependencies)
  running = await startServer({ nodes: httpsNodeConnection({ certificate, authority: authority.certificate }) })
  admin = await running.certificateFor('admin', ['system:masters'])
  const client = apiClient(running.server.transport)
  await client.create(ServiceAccount, { metadata: { namespace: 'default', name: 'default' } })
  const node = await client.create(Node, { metadata: { name: 'n1' }, spec: {} })
  await client.updateStatus(Node, {
    ...node,
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
    },
  })
  const containers = [
    { name: 'main', image: 'i' },
    { name: 'waiting', image: 'i' },
  ]
  await client.create(Pod, { metadata: { namespace: 'default', name: 'web' }, spec: { nodeName: 'n1', containers } })
  await client.create(Pod, {
    metadata: { namespace: 'default', name: 'homeless' },
    spec: { containers: [containers[0]!] },
  })
})
afterAll(async () => {
  kubelet.server.closeAllConnections()
  kubelet.server.close()
  expect(running.errors).toEqual([])
  await running[Symbol.asyncDispose]()
})

describe('logs', () => {
  const logs = async (query: string, pod = 'web') => {
    using http = new HttpClient(running, admin)
    const { code, bytes, json } = await http.request(`/api/v1/namespaces/default/pods/${pod}/log${query}`)
    return { code, text: json?.message ?? bytes.toString() }
  }

  test('come from the machine of the Pod', async () => {
    expect(await logs('?container=main&tailLines=5&follow=true')).toEqual({
      code: 200,
      text: 'log of /containerLogs/default/web/main?follow=true&tailLines=5',
    })
  })

  test('of a container that is not running tell why', async () => {
    const text = 'container "waiting" in pod "web" is waiting to start: ContainerCreating'
    expect(await logs('?container=waiting')).toEqual({ code: 400, text })
  })

  test('need a container where there are several, and a machine', async () => {
    expect(await logs('')).toEqual({
      code: 400,
      text: 'a container name must be specified for pod web, choose one of: [main waiting]',
    })
    expect(await logs('', 'homeless')).toMatchObject({ code: 400, text: 'pod homeless does not have a host assigned' })
    expect(await logs('?container=main&tailLines=-1')).toMatchObject({ code: 400 })
  })
})

describe('exec', () => {
  const PATH = '/api/v1/namespaces/default/pods/web/exec?container=main&command=sh&command=-c&stdin=true&stdout=true'
  const upgrade = (certificate: KeyPair, sent: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(running.url)
      const options = {
        host: hostname,
        port: Number(port),
        ca: running.authority.certificate,
        cert: certificate.certificate,
        key: certificate.key,
        ALPNProtocols: ['http/1.1'],
      }
      const socket = connect(options, () => {
        socket.write(
          `POST ${PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n`,
        )
      })
      let text = ''
      socket.setEncoding('utf8').on('data', piece => {
        if (text === '' && String(piece).includes('101')) socket.write(sent)
        text += String(piece)
        if (text.endsWith(sent)) socket.end()
      })
      socket.once('close', () => resolve(text))
      socket.once('error', reject)
    })

  test('passes bytes through once both sides have changed protocols', async () => {
    const text = await upgrade(admin, 'some bytes')
    expect(text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
    expect(text.toLowerCase()).toContain('x-stream-protocol-version: v4.channel.k8s.io')
    expect(text.split('\r\n\r\n')[1]).toBe('hello some bytes')
    expect(kubelet.seen.at(-1)).toBe(
      'POST /exec/default/web/main?input=1&output=1&command=sh&command=-c no credentials',
    )
  })

  test('is refused in plain HTTP to those who may not', async () => {
    const text = await upgrade(await running.certificateFor('jane'), '}')
    expect(text).toMatch(/^HTTP\/1\.1 403 /)
    expect(text).toContain('cannot create resource \\"pods/exec\\"')
  })

  test('without a change of protocol is a bad request', async () => {
    using http = new HttpClient(running, admin)
    expect((await http.request(PATH, { method: 'POST' })).json.message).toBe('Upgrade request required')
  })
})
