import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { HandFedInformers } from '../../../test/network/hand-fed-informers.ts'
import { endpoint, headlessObject, podObject, serviceObject, sliceObject } from '../../../test/network/objects.ts'
import { Pod, Service } from '../../api/core-v1/types.ts'
import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import { addressRangeOf } from '../../machinery/address-range.ts'
import { type Answer, serverFailure } from '../cluster/answer.ts'
import { clusterCatalog } from '../cluster/catalog.ts'
import { clusterZone } from '../cluster/cluster-zone.ts'
import type { Forwarder } from '../forward/forwarder.ts'
import { decodeMessage } from '../message/decode.ts'
import { encodeMessage } from '../message/encode.ts'
import { CLASS_IN, type Message, type Question, queryFor, Rcode, RecordType } from '../message/message.ts'
import { addressRecord, dataText } from '../message/resource-record.ts'
import { ownNames } from './own-names.ts'
import { type Responder, responder } from './responder.ts'

const NAME = 'web.default.svc.cluster.local'
let cluster: HandFedInformers
let respond: Responder
let outside: Answer
let runTimers: (() => void)[]

const asking = (question: Partial<Question> = {}, rest: Partial<Message> = {}): Message => ({
  ...queryFor(7, { name: NAME, type: RecordType.A, class: CLASS_IN, ...question }),
  ...rest,
})

beforeEach(() => {
  cluster = new HandFedInformers()
  outside = {
    rcode: 0,
    authoritative: false,
    answers: [addressRecord('example.com', 60, '192.0.2.1')],
    authority: [],
    additional: [],
  }
  const forwarder: Forwarder = { forward: async () => outside, useServers: () => {} }
  const catalog = clusterCatalog(cluster)
  const zone = clusterZone({ catalog, serverAddress: '10.96.0.10', ownRanges: [] })
  runTimers = []
  const schedule = (_delayMs: number, run: () => void) => {
    runTimers.push(run)
    return { cancel: () => {}, [Symbol.dispose]: () => {} }
  }
  const clock = { schedule, now: () => new Date(0), monotonicMs: () => 0, sleep: async () => {} }
  const names = ownNames({ catalog, zone, clock, domain: 'cluster.local', podRange: addressRangeOf('10.244.0.0/16') })
  respond = responder({ catalog, forwarder, zone, ownNames: names, count: () => {} })
  cluster.sync()
  cluster.set(Service, headlessObject('web'))
  cluster.set(EndpointSlice, sliceObject('web', peers(3)))
})

const peers = (count: number) =>
  Array.from({ length: count }, (_, ordinal) => endpoint(`10.244.0.${ordinal + 1}`, `web-${ordinal}`))

async function answerTo(query: Message, transport: 'udp' | 'tcp' = 'udp'): Promise<Message> {
  return decodeMessage((await respond(encodeMessage(query), transport))!)
}

test('the answer carries the id, the flags and the spelling of its query, also from kept bytes', async () => {
  await answerTo(asking())
  const answer = await answerTo(
    asking({ name: 'WEB.default.svc.Cluster.Local' }, { id: 99, recursionDesired: false, checkingDisabled: true }),
  )
  expect(answer).toMatchObject({
    id: 99,
    response: true,
    authoritative: true,
    recursionDesired: false,
    checkingDisabled: true,
  })
  expect(answer.questions[0]?.name).toBe('WEB.default.svc.Cluster.Local')
  expect(answer.answers[0]?.name).toBe('WEB.default.svc.Cluster.Local')
})

test('addresses take turns at being first', async () => {
  const firsts = new Set<string>()
  for (let i = 0; i < 3; i++) firsts.add(dataText((await answerTo(asking())).answers[0]!))
  expect(firsts.size).toBe(3)
})

test('an answer is never older than the last event', async () => {
  for (let round = 1; round < 50; round++) {
    cluster.set(EndpointSlice, sliceObject('web', [endpoint(`10.244.1.${round}`, 'web-0')]))
    expect((await answerTo(asking())).answers.map(dataText)).toEqual([`10.244.1.${round}`])
  }
})

test('plain UDP gets 512 bytes and is told to come back by TCP, which gets everything', async () => {
  cluster.set(EndpointSlice, sliceObject('web', peers(200)))
  const plain = respond(encodeMessage(asking()), 'udp') as Buffer
  expect(plain.length).toBeLessThanOrEqual(512)
  expect(decodeMessage(plain)).toMatchObject({ truncated: true })
  expect(decodeMessage(plain).answers.length).toBeGreaterThan(20)
  const extended = respond(
    encodeMessage({ ...asking(), edns: { udpSize: 4096, version: 0, dnssecOk: false } }),
    'udp',
  ) as Buffer
  expect(extended.length).toBeGreaterThan(512)
  expect(extended.length).toBeLessThanOrEqual(1232)
  const whole = await answerTo(asking(), 'tcp')
  expect(whole.truncated).toBe(false)
  expect(whole.answers).toHaveLength(200)
})

test('EDNS is answered with EDNS, and only then', async () => {
  expect((await answerTo(asking())).edns).toBeUndefined()
  expect((await answerTo(asking({}, { edns: { udpSize: 4096, version: 0, dnssecOk: true } }))).edns).toEqual({
    udpSize: 1232,
    version: 0,
    dnssecOk: true,
  })
  expect((await answerTo(asking({}, { edns: { udpSize: 4096, version: 1, dnssecOk: false } }))).rcode).toBe(
    Rcode.BadVersion,
  )
})

test.each([
  ['another opcode', asking({}, { opcode: 5 }), Rcode.NotImplemented],
  ['another class', asking({ class: 3 }), Rcode.Refused],
  ['a zone transfer', asking({ type: RecordType.AXFR }), Rcode.Refused],
  ['no question', { ...asking(), questions: [] }, Rcode.FormatError],
  ['two questions', { ...asking(), questions: [...asking().questions, ...asking().questions] }, Rcode.FormatError],
  ['an unknown type', asking({ type: 4711 }), Rcode.NoError],
])('%s is answered with the code for it', async (_, query, rcode) => {
  expect((await answerTo(query)).rcode).toBe(rcode)
})

test('answers, and what is too short to be a query, are dropped', () => {
  expect(respond(encodeMessage({ ...asking(), response: true }), 'udp')).toBeUndefined()
  expect(respond(Buffer.alloc(11), 'udp')).toBeUndefined()
})

test('other names are forwarded, and an ExternalName brings the records of its target along', async () => {
  expect((await answerTo(asking({ name: 'example.com' }))).answers.map(dataText)).toEqual(['192.0.2.1'])
  cluster.set(Service, serviceObject('out', { spec: { type: 'ExternalName', externalName: 'example.com' } }))
  const answer = await answerTo(asking({ name: 'out.default.svc.cluster.local' }))
  expect(answer.answers.map(dataText)).toEqual(['example.com.', '192.0.2.1'])
})

test('an ExternalName is not kept from its alias by an upstream that is gone', async () => {
  outside = serverFailure
  cluster.set(Service, serviceObject('out', { spec: { type: 'ExternalName', externalName: 'example.com' } }))
  expect((await answerTo(asking({ name: 'out.default.svc.cluster.local' }))).answers.map(dataText)).toEqual([
    'example.com.',
  ])
})

describe('a Pod that looks itself up before its address is published', () => {
  const question = asking({ name: `web-9.${NAME}` })
  const starting = podObject('web-9', '', { subdomain: 'web', hostname: 'web-9' })
  const ask = (asker: string): ReturnType<Responder> => respond(encodeMessage(question), 'udp', asker)
  const publish = (): unknown => cluster.set(EndpointSlice, sliceObject('web', [endpoint('10.244.0.9', 'web-9')]))

  beforeEach(() => {
    cluster.set(Service, headlessObject('web', { spec: { publishNotReadyAddresses: true } }))
    cluster.set(Pod, { ...starting, status: {} })
  })

  test('gets its answer when it is there, instead of a wrong one before', async () => {
    cluster.set(Pod, podObject('other', '10.244.0.8'))
    void ask('10.244.0.8') // What a peer is told before must not be what the Pod is told.
    const answers = [ask('10.244.0.9'), ask('10.244.0.9')]
    publish()
    for (const answer of answers) {
      expect(decodeMessage((await answer)!).answers.map(dataText)).toEqual(['10.244.0.9'])
    }
  })

  test('is told that there is no such name when that takes too long', async () => {
    const answer = ask('10.244.0.9')
    for (const run of runTimers) run()
    expect(decodeMessage((await answer)!).rcode).toBe(Rcode.NameError)
  })

  test('is the only one to wait: others are told at once', () => {
    cluster.set(Pod, podObject('other', '10.244.0.8'))
    expect(decodeMessage(ask('10.244.0.8') as Buffer).rcode).toBe(Rcode.NameError)
    expect(decodeMessage(ask('192.0.2.1') as Buffer).rcode).toBe(Rcode.NameError) // No Pod at all.
    cluster.set(Pod, podObject('web-9', '10.244.0.9', starting.spec))
    expect(decodeMessage(ask('10.244.0.7') as Buffer).rcode).toBe(Rcode.NameError)
  })

  test('does not wait for a name that only comes with its readiness', () => {
    cluster.set(Service, headlessObject('web'))
    expect(decodeMessage(ask('10.244.0.9') as Buffer).rcode).toBe(Rcode.NameError)
  })
})

const fuzzRuns = Number(process.env.DNS_FUZZ_RUNS ?? 20_000)

test('no bytes make the server throw or answer with something that is no answer', { timeout: 600_000 }, () => {
  const valid = [
    asking(),
    asking({}, { edns: { udpSize: 4096, version: 0, dnssecOk: true } }),
    asking({ name: `_web._tcp.${NAME}`, type: RecordType.SRV }),
  ]
  const mutated = fc
    .tuple(
      fc.constantFrom(...valid),
      fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 6 }),
      fc.nat(80),
      fc.uint8Array({ maxLength: 30 }),
    )
    .map(([query, changes, cut, tail]) => {
      const packet = encodeMessage(query)
      for (const [at, byte] of changes) if (at < packet.length) packet[at] = byte
      return Buffer.concat([cut < 20 ? packet.subarray(0, cut) : packet, cut % 3 === 0 ? tail : Buffer.alloc(0)])
    })
  const random = fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.oneof(mutated, random), fc.constantFrom('udp' as const, 'tcp' as const), (packet, transport) => {
      const answer = respond(packet, transport)
      if (!(answer instanceof Buffer)) return
      const read = decodeMessage(answer)
      expect(read.response).toBe(true)
      expect(read.id).toBe(packet.readUInt16BE(0))
    }),
    { numRuns: fuzzRuns },
  )
})
