import { expect, test } from 'vitest'
import type { Clock } from '../../machinery/clock.ts'
import type { TcpConnection } from './dns-sockets.ts'
import type { Responder } from './responder.ts'
import { serveTcp } from './tcp-session.ts'

const timers: (() => void)[] = []
const clock: Clock = {
  now: () => new Date(0),
  monotonicMs: () => 0,
  sleep: async () => {},
  schedule(_delayMs, run) {
    timers.push(run)
    const cancel = (): void => void timers.splice(timers.indexOf(run), 1)
    return { cancel, [Symbol.dispose]: cancel }
  },
}
const { signal } = new AbortController()
const echo: Responder = packet => Buffer.from(`<${String(packet)}>`)
const framed = (text: string): Buffer =>
  Buffer.from(`${String.fromCharCode(text.length >> 8, text.length & 0xff)}${text}`, 'latin1')

/** A client that sends these chunks and then stops, unless it stays open. */
function client(chunks: readonly Buffer[], { staysOpen = false } = {}) {
  const closed = Promise.withResolvers<void>()
  const sent: Buffer[] = []
  const connection: TcpConnection = {
    received: (async function* () {
      yield* chunks
      if (staysOpen) await closed.promise
    })(),
    send: async packet => void sent.push(packet),
    close: () => closed.resolve(),
  }
  return { connection, closed: closed.promise, sent: () => Buffer.concat(sent).toString('latin1') }
}

test('messages are found however the stream is cut', async () => {
  const stream = Buffer.concat([framed('one'), framed('two'), framed('x'.repeat(300))])
  const bytes = [...stream].map(byte => Buffer.from([byte]))
  for (const chunks of [[stream], bytes, [stream.subarray(0, 4), stream.subarray(4)]]) {
    const subject = client(chunks)
    await serveTcp(subject.connection, { respond: echo, clock, signal })
    expect(subject.sent()).toBe(
      Buffer.concat([framed('<one>'), framed('<two>'), framed(`<${'x'.repeat(300)}>`)]).toString('latin1'),
    )
  }
})

test('what gets no answer leaves the connection open for the next', async () => {
  const subject = client([framed('drop'), framed('keep')])
  const respond: Responder = packet => (String(packet) === 'drop' ? undefined : packet)
  await serveTcp(subject.connection, { respond, clock, signal })
  expect(subject.sent()).toBe(framed('keep').toString('latin1'))
})

test('an idle client is put out', async () => {
  const subject = client([framed('one')], { staysOpen: true })
  const served = serveTcp(subject.connection, { respond: echo, clock, signal })
  while (subject.sent() === '') await Promise.resolve()
  await Promise.resolve()
  for (const run of timers.slice()) run()
  await served
})

test('every connection ends when the server stops', async () => {
  const stop = new AbortController()
  const subject = client([], { staysOpen: true })
  const served = serveTcp(subject.connection, { respond: echo, clock, signal: stop.signal })
  stop.abort(new Error('stopped'))
  await Promise.all([served, subject.closed])
})
