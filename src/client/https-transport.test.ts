import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { ConfigMap, Namespace } from '../api/core-v1/types.ts'
import { startCluster } from '../testing/start-cluster.ts'
import { apiClient } from './api-client.ts'
import { HttpsTransport } from './https-transport.ts'
import { connectionOf, parseKubeconfig } from './kubeconfig.ts'

const PATIENCE = { askEachMs: 50, answerMs: 200 }

/** Stands between a client and a server, and can swallow everything as a pulled cable does. */
async function cable(target: URL) {
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer(near => {
    sockets.add(near)
    near.on('error', () => {})
    if (isCut) return
    const far = connect(Number(target.port), target.hostname)
    sockets.add(far)
    far.on('error', () => {})
    near.pipe(far).pipe(near)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      isCut = true
      for (const socket of sockets) socket.unpipe().pause()
    },
    heal() {
      isCut = false
    },
    [Symbol.dispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

test('a connection that went silent is given up, and the server is reached as soon as it can be', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  const { kubeconfig } = await cluster.serve({ speed: 1 })
  const connection = connectionOf(parseKubeconfig(kubeconfig), { readFile: String })
  using between = await cable(new URL(connection.server))
  await using transport = new HttpsTransport({
    ...connection,
    server: between.url,
    skipTlsVerify: true,
    patience: PATIENCE,
  })
  const client = apiClient(transport)
  expect(await client.find(Namespace, { name: 'default' })).toBeDefined()
  const { resourceVersion } = await client.list(ConfigMap, {})

  const watching = async () => {
    for await (const _ of client.watch(ConfigMap, { resourceVersion, signal: AbortSignal.timeout(20_000) }));
  }
  const ended = watching()
  await new Promise(resolve => setTimeout(resolve, 4 * PATIENCE.askEachMs)) // It was asked before, and answered.
  between.cut()
  await expect(ended).rejects.toThrow()
  await expect(client.find(Namespace, { name: 'default' })).rejects.toThrow('did not answer within 200 ms')
  between.heal()
  expect(await client.find(Namespace, { name: 'default' })).toBeDefined()
})

test('asking again and again for signs of life leaves nothing behind on the connection', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  const { kubeconfig } = await cluster.serve({ speed: 1 })
  const connection = connectionOf(parseKubeconfig(kubeconfig), { readFile: String })
  await using transport = new HttpsTransport({ ...connection, patience: { askEachMs: 2, answerMs: 2000 } })
  const warnings: string[] = []
  const note = ({ message }: Error): unknown => warnings.push(message)
  process.on('warning', note)
  await apiClient(transport).find(Namespace, { name: 'default' })
  await new Promise(resolve => setTimeout(resolve, 200)) // It asks many times more than Node.js takes listeners for.
  process.off('warning', note)
  expect(warnings.filter(text => text.includes('close listeners'))).toEqual([])
})
