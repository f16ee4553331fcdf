import { beforeEach, expect, test } from 'vitest'
import { type Clock, sleepOn } from '../../machinery/clock.ts'
import { silentLogger } from '../../machinery/logger.ts'
import { decodeMessage } from '../message/decode.ts'
import { encodeMessage } from '../message/encode.ts'
import { CLASS_IN, type Message, Rcode, RecordType, type ResourceRecord } from '../message/message.ts'
import { addressRecord, dataText, soaRecord } from '../message/resource-record.ts'
import { type Forwarder, forwarder } from './forwarder.ts'
import { nameServersOf } from './resolv-conf.ts'
import type { Exchange } from './upstream.ts'

const question = { name: 'example.com', type: RecordType.A, class: CLASS_IN }
const addresses = (...list: string[]): ResourceRecord[] =>
  list.map(address => addressRecord('example.com', 60, address))
const soa = soaRecord('com', 3600, {
  primary: 'a',
  mailbox: 'b',
  serial: 1,
  refreshSeconds: 1,
  retrySeconds: 1,
  expireSeconds: 1,
  negativeTtlSeconds: 20,
})

let nowMs: number
let asked: { server: string; transport: string; query: Message }[]
let outside: (exchange: Exchange, query: Message) => Promise<Buffer> | Buffer
let subject: Forwarder

beforeEach(() => {
  nowMs = 0
  asked = []
  let seed = 1
  const timers: Pick<Clock, 'schedule'> = { schedule: () => ({ cancel: () => {}, [Symbol.dispose]: () => {} }) }
  const clock: Clock = {
    ...timers,
    now: () => new Date(nowMs),
    monotonicMs: () => nowMs,
    sleep: (ms, signal) => sleepOn(timers, ms, signal),
  }
  const random = {
    float: () => (seed++ % 1000) / 1000,
    bytes: (count: number) => new Uint8Array(count).fill(seed++),
  }
  subject = forwarder({
    clock,
    random,
    logger: silentLogger,
    upstream: {
      async exchange(exchange) {
        const query = decodeMessage(exchange.packet)
        if (query.questions[0]!.type === RecordType.HINFO) throw new Error('probes get no answer here')
        asked.push({ server: exchange.server, transport: exchange.transport, query })
        return outside(exchange, query)
      },
    },
  })
  subject.useServers(['192.0.2.53'])
})

const reply = (query: Message, rest: Partial<Message>): Buffer =>
  encodeMessage({ ...query, response: true, recursionAvailable: true, ...rest })

test('an answer is kept for its time to live, which counts down', async () => {
  outside = (_, query) => reply(query, { answers: addresses('192.0.2.1') })
  await subject.forward(question, false)
  nowMs = 45_000
  expect((await subject.forward({ ...question, name: 'EXAMPLE.com' }, false)).answers[0]?.ttl).toBe(15)
  expect(asked).toHaveLength(1)
  nowMs = 60_000
  await subject.forward(question, false)
  expect(asked).toHaveLength(2)
})

test('a name that is not there is kept as long as its SOA says', async () => {
  outside = (_, query) => reply(query, { rcode: Rcode.NameError, authority: [soa] })
  expect((await subject.forward(question, false)).rcode).toBe(Rcode.NameError)
  nowMs = 19_000
  await subject.forward(question, false)
  expect(asked).toHaveLength(1)
  nowMs = 20_000
  await subject.forward(question, false)
  expect(asked).toHaveLength(2)
})

test('equal questions under way are asked once', async () => {
  outside = (_, query) => reply(query, { answers: addresses('192.0.2.1') })
  await Promise.all([1, 2, 3].map(() => subject.forward(question, false)))
  expect(asked).toHaveLength(1)
})

test('the next server is asked when the first is silent or fails', async () => {
  subject.useServers(['192.0.2.1', '192.0.2.2'])
  outside = ({ server }, query) => {
    if (server === '192.0.2.1') throw new Error('silent')
    return reply(query, { answers: addresses('192.0.2.9') })
  }
  expect((await subject.forward(question, false)).answers.map(dataText)).toEqual(['192.0.2.9'])
  expect(asked.map(({ server }) => server)).toEqual(['192.0.2.1', '192.0.2.1', '192.0.2.2'])
})

test('while every server is silent, one question waits and the others fail at once', async () => {
  outside = () => Promise.reject(new Error('silent'))
  await subject.forward(question, false)
  const hanging = Promise.withResolvers<Buffer>()
  outside = () => hanging.promise
  const waiting = subject.forward({ ...question, name: 'a.test' }, false)
  expect((await subject.forward({ ...question, name: 'b.test' }, false)).rcode).toBe(Rcode.ServerFailure)
  hanging.reject(new Error('still silent'))
  outside = () => Promise.reject(new Error('silent'))
  expect((await waiting).rcode).toBe(Rcode.ServerFailure)
})

test('an answer that was cut short is fetched again by TCP', async () => {
  outside = ({ transport }, query) =>
    transport === 'udp'
      ? reply(query, { truncated: true })
      : reply(query, { answers: addresses('192.0.2.1', '192.0.2.2') })
  expect((await subject.forward(question, false)).answers).toHaveLength(2)
  expect(asked.map(({ transport }) => transport)).toEqual(['udp', 'tcp'])
})

test('only the answer to the very question is accepted', async () => {
  const verdicts: boolean[] = []
  outside = ({ accepts }, query) => {
    const right = reply(query, { answers: addresses('192.0.2.1') })
    verdicts.push(accepts(reply({ ...query, id: query.id ^ 1 }, {})))
    verdicts.push(accepts(reply({ ...query, questions: [{ ...question, name: 'evil.test' }] }, {})))
    verdicts.push(accepts(encodeMessage(query)), accepts(Buffer.from('nonsense')), accepts(right))
    return right
  }
  await subject.forward(question, false)
  expect(verdicts).toEqual([false, false, false, false, true])
})

test('without any server there is a failure, at once', async () => {
  subject.useServers([])
  expect((await subject.forward(question, false)).rcode).toBe(Rcode.ServerFailure)
})

test('a server that asks us what we ask it is found out and passed over', async () => {
  const probes: string[] = []
  const never = new Promise<Buffer>(() => {})
  const looping = forwarder({
    clock: {
      now: () => new Date(0),
      monotonicMs: () => 0,
      schedule: () => ({ cancel: () => {}, [Symbol.dispose]: () => {} }),
      sleep: async () => {},
    },
    random: { float: () => 0.5, bytes: count => new Uint8Array(count).fill(9) },
    logger: silentLogger,
    upstream: {
      async exchange({ packet }) {
        const { questions } = decodeMessage(packet)
        probes.push(questions[0]!.name)
        return never
      },
    },
  })
  looping.useServers(['192.0.2.1'])
  expect(probes).toHaveLength(1)
  expect((await looping.forward({ name: probes[0]!, type: RecordType.HINFO, class: CLASS_IN }, false)).rcode).toBe(
    Rcode.Refused,
  )
  expect((await looping.forward(question, false)).rcode).toBe(Rcode.ServerFailure)
  expect(probes).toHaveLength(1)
})

test('name servers are read from resolv.conf, each once, and nothing else is', () => {
  const text =
    '# nameserver 192.0.2.9\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 \nnameserver nonsense\nsearch example.com\nnameserver 192.0.2.1\noptions ndots:5\n'
  expect(nameServersOf(text)).toEqual(['192.0.2.1', '2001:db8::1'])
})

test('of a flood of questions a thousand wait for an answer, and the others fail at once', async () => {
  const silence = Promise.withResolvers<Buffer>()
  outside = () => silence.promise
  const flood = Array.from({ length: 5000 }, (_, i) => subject.forward({ ...question, name: `q${i}.example` }, false))
  const failed = await Promise.all(flood.slice(1000))
  expect(new Set(failed.map(({ rcode }) => rcode))).toEqual(new Set([Rcode.ServerFailure]))
  expect(asked).toHaveLength(1000)
  silence.reject(new Error('too late'))
  await Promise.all(flood)
})
