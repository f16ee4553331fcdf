import { expect, test } from 'vitest'
import { HandFedInformers } from '../../test/network/hand-fed-informers.ts'
import { seededRandom } from '../fakes/seeded-random.ts'
import { VirtualClock } from '../fakes/virtual-clock.ts'
import { silentLogger } from '../machinery/logger.ts'
import { dnsServer } from './dns-server.ts'
import type { TcpConnection } from './server/dns-sockets.ts'

const nothing: AsyncDisposable = { [Symbol.asyncDispose]: async () => {} }

/** A DNS server to which connections are made by hand. */
async function listening() {
  let accept: (connection: TcpConnection) => void = () => {}
  const clock = new VirtualClock()
  const server = dnsServer(
    {
      informers: new HandFedInformers().sync(),
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      sockets: {
        bindUdp: async () => ({ ...nothing, send() {} }),
        async listenTcp(_endpoint, onConnection) {
          accept = onConnection
          return nothing
        },
      },
      upstream: { exchange: () => Promise.reject(new Error('nobody there')) },
      readResolvConf: async () => '',
    },
    { addresses: ['10.96.0.10'], podRange: '10.244.0.0/16', serviceRange: '10.96.0.0/12' },
  )
  const stop = new AbortController()
  const running = server.run(stop.signal)
  await server.whenListening()
  const connect = () => {
    const ended = Promise.withResolvers<void>()
    const state = { isOpen: true }
    accept({
      received: (async function* () {
        yield Buffer.alloc(1) // Half a length, and then nothing for long.
        await ended.promise
      })(),
      send: async () => {},
      close() {
        state.isOpen = false
        ended.resolve()
      },
    })
    return state
  }
  const end = async (): Promise<void> => {
    stop.abort(new Error('over'))
    await running
  }
  return { clock, connect, end }
}

test('of a flood of connections five hundred are served, and those that idle make room for others', async () => {
  const { clock, connect, end } = await listening()
  const flood = Array.from({ length: 2000 }, connect)
  expect(flood.filter(({ isOpen }) => isOpen)).toHaveLength(500)
  await clock.advance(10_001)
  expect(flood.filter(({ isOpen }) => isOpen)).toHaveLength(0)
  expect(connect().isOpen).toBe(true)
  await end()
})
