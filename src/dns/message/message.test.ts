import dnsPacket from 'dns-packet'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeMessage } from './decode.ts'
import { encodeMessage } from './encode.ts'
import { FormatError } from './format-error.ts'
import { CLASS_IN, type Message, queryFor, RecordType, type ResourceRecord } from './message.ts'
import { addressRecord, cnameRecord, dataText, soaRecord, srvRecord, txtRecord } from './resource-record.ts'

const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/)
const name = fc.array(label, { minLength: 1, maxLength: 6 }).map(labels => labels.join('.'))
const ttl = fc.nat(86_400)
const uint16 = fc.nat(65_535)
const record: fc.Arbitrary<ResourceRecord> = fc.oneof(
  fc.tuple(name, ttl, fc.ipV4()).map(([...args]) => addressRecord(...args)),
  fc.tuple(name, ttl, fc.ipV6()).map(([...args]) => addressRecord(...args)),
  fc.tuple(name, ttl, name).map(([...args]) => cnameRecord(...args)),
  fc
    .tuple(name, ttl, fc.record({ priority: uint16, weight: uint16, port: uint16, target: name }))
    .map(([...args]) => srvRecord(...args)),
  fc
    .tuple(name, ttl, fc.array(fc.string({ maxLength: 60 }), { minLength: 1, maxLength: 3 }))
    .map(([...args]) => txtRecord(...args)),
)
const message: fc.Arbitrary<Message> = fc
  .record({
    id: uint16,
    name,
    type: fc.constantFrom(1, 28, 33, 12, 16),
    authoritative: fc.boolean(),
    recursionDesired: fc.boolean(),
    rcode: fc.constantFrom(0, 3),
    answers: fc.array(record, { maxLength: 12 }),
    authority: fc.array(record, { maxLength: 2 }),
    additional: fc.array(record, { maxLength: 5 }),
    edns: fc.option(fc.record({ udpSize: uint16, version: fc.constant(0), dnssecOk: fc.boolean() }), {
      nil: undefined,
    }),
  })
  .map(({ id, name: asked, type, edns, ...rest }) => ({
    ...queryFor(id, { name: asked, type, class: CLASS_IN }),
    ...rest,
    response: true,
    ...(edns && { edns }),
  }))

test('every message reads back as it was written', () => {
  fc.assert(
    fc.property(message, original => {
      const read = decodeMessage(encodeMessage(original))
      expect(plain(read)).toEqual(plain(original))
    }),
  )
})

test('another implementation reads the same records out of what we write', () => {
  fc.assert(
    fc.property(message, original => {
      const read = dnsPacket.decode(encodeMessage(original))
      expect(read.id).toBe(original.id)
      expect(read.answers?.map(comparable)).toEqual(original.answers.map(ourComparable))
    }),
  )
})

test('we read the same records out of what another implementation writes', () => {
  fc.assert(
    fc.property(name, fc.array(fc.tuple(name, fc.ipV4(), uint16), { maxLength: 10 }), (asked, entries) => {
      const answers = entries.flatMap(([target, address, port]) => [
        { type: 'A' as const, name: target, ttl: 5, data: address },
        { type: 'SRV' as const, name: asked, ttl: 5, data: { priority: 0, weight: 1, port, target } },
      ])
      const packet = dnsPacket.encode({ type: 'response', id: 1, questions: [{ type: 'A', name: asked }], answers })
      expect(decodeMessage(packet).answers.map(ourComparable)).toEqual(answers.map(comparable))
    }),
  )
})

test('a message never outgrows its limit, and says so when answers had to go', () => {
  fc.assert(
    fc.property(message, fc.integer({ min: 300, max: 1232 }), (original, bytesMax) => {
      const packet = encodeMessage(original, { bytesMax })
      const read = decodeMessage(packet)
      expect(packet.length).toBeLessThanOrEqual(bytesMax)
      expect(read.truncated).toBe(
        read.answers.length < original.answers.length || read.authority.length < original.authority.length,
      )
      expect(read.edns).toEqual(original.edns)
      expect(read.answers.map(dataText)).toEqual(original.answers.slice(0, read.answers.length).map(dataText))
    }),
  )
})

test('SRV records of ten peers with their addresses fit into 512 bytes', () => {
  const service = 'web.default.svc.cluster.local'
  const peers = Array.from({ length: 10 }, (_, ordinal) => `web-${ordinal}.${service}`)
  const packet = encodeMessage(
    {
      ...queryFor(1, { name: `_http._tcp.${service}`, type: RecordType.SRV, class: CLASS_IN }),
      answers: peers.map(target =>
        srvRecord(`_http._tcp.${service}`, 5, { priority: 0, weight: 100, port: 80, target }),
      ),
      additional: peers.map((target, ordinal) => addressRecord(target, 5, `10.244.0.${ordinal}`)),
    },
    { bytesMax: 512 },
  )
  const read = decodeMessage(packet)
  expect(read.truncated).toBe(false)
  expect(read.answers).toHaveLength(10)
})

test('the case of the question is kept in names that point to it', () => {
  const question = { name: 'WeB.Default.svc.CLUSTER.local', type: RecordType.A, class: CLASS_IN }
  const packet = encodeMessage({
    ...queryFor(1, question),
    answers: [addressRecord('web.default.svc.cluster.local', 5, '10.0.0.1')],
  })
  expect(decodeMessage(packet).answers[0]?.name).toBe(question.name)
})

test('names with dots, backslashes and bytes of any value inside a label survive', () => {
  const odd = 'a\\.b.c\\\\d.\\000\\255.x y'.replace(' ', '\\032')
  const read = decodeMessage(encodeMessage(queryFor(1, { name: odd, type: RecordType.A, class: CLASS_IN })))
  expect(read.questions[0]?.name).toBe(odd)
})

test('records of unknown type pass through byte for byte', () => {
  fc.assert(
    fc.property(fc.integer({ min: 256, max: 65_000 }), fc.uint8Array({ maxLength: 80 }), (type, data) => {
      const answers = [{ name: 'x.test', type, class: CLASS_IN, ttl: 1, data }]
      const packet = encodeMessage({ ...queryFor(1, { name: 'x.test', type, class: CLASS_IN }), answers })
      expect(Buffer.from(decodeMessage(packet).answers[0]!.data)).toEqual(Buffer.from(data))
    }),
  )
})

test.each([
  ['shorter than a header', '0001'],
  ['a question that is missing', '000101000001000000000000'],
  ['a pointer to itself', '000101000001000000000000c00c00010001'],
  ['two pointers at each other', '000101000001000000000000c00ec00c00010001'],
  ['a pointer forward', '000101000001000000000000c01400010001000000000000'],
  ['a label type that is reserved', '0001010000010000000000008100010001'],
  ['a label past the end', '0001010000010000000000003f6161'],
  ['a count of records that are not there', `0001010000010fff00000000${'016100'}00010001`],
  ['an A record of five bytes', `000185000000000100000000${'016100'}0001000100000000000501020304ff`],
  ['two OPT records', `000101000000000000000002${'0000291000000000000000'.repeat(2)}`],
])('%s is refused', (_, hex) => {
  expect(() => decodeMessage(Buffer.from(hex, 'hex'))).toThrow(FormatError)
})

test('a name that grows beyond 255 bytes through pointers is refused', () => {
  const long = Buffer.from(`${'\x3f'.concat('a'.repeat(63)).repeat(3)}\0`, 'latin1')
  const header = Buffer.from('000101000002000000000000', 'hex')
  const second = Buffer.from(`${'\x3f'.concat('b'.repeat(63))}\xc0\x0c`, 'latin1')
  const types = Buffer.from([0, 1, 0, 1])
  expect(() => decodeMessage(Buffer.concat([header, long, types, second, types]))).toThrow(/255/)
})

test('SOA records keep their numbers', () => {
  const soa = {
    primary: 'ns.x',
    mailbox: 'h.x',
    serial: 2 ** 32 - 1,
    refreshSeconds: 1,
    retrySeconds: 2,
    expireSeconds: 3,
    negativeTtlSeconds: 4,
  }
  const packet = encodeMessage({ ...queryFor(1, { name: 'x', type: 6, class: 1 }), answers: [soaRecord('x', 0, soa)] })
  expect(dnsPacket.decode(packet).answers?.[0]).toMatchObject({
    data: { mname: 'ns.x', rname: 'h.x', serial: 2 ** 32 - 1, minimum: 4 },
  })
})

const plain = (subject: Message): object => ({
  ...subject,
  truncated: false,
  answers: subject.answers.map(plainRecord),
  authority: subject.authority.map(plainRecord),
  additional: subject.additional.map(plainRecord),
})
const plainRecord = (subject: ResourceRecord): object => ({
  ...subject,
  data: Buffer.from(subject.data).toString('hex'),
})

const ourComparable = (subject: ResourceRecord): string =>
  `${subject.name} ${subject.ttl} ${subject.type} ${dataText(subject)}`

function comparable(answer: dnsPacket.Answer): string {
  const typed = answer as { name: string; ttl: number; type: string; data: unknown }
  const type = RecordType[typed.type as keyof typeof RecordType]
  return `${typed.name} ${typed.ttl} ${type} ${comparableData(typed.type, typed.data)}`
}

function comparableData(type: string, data: unknown): string {
  if (type === 'SRV') {
    const { priority, weight, port, target } = data as {
      priority: number
      weight: number
      port: number
      target: string
    }
    return `${priority} ${weight} ${port} ${target}.`
  }
  if (type === 'TXT') return (data as Buffer[]).map(text => JSON.stringify(text.toString())).join(' ')
  if (type === 'AAAA') return dataText(addressRecord('x', 0, data as string))
  return type === 'CNAME' ? `${data as string}.` : String(data)
}
