import { type Answer, failed, serverFailure } from '../cluster/answer.ts'
import type { ClusterCatalog } from '../cluster/catalog.ts'
import type { ClusterZone } from '../cluster/cluster-zone.ts'
import type { Forwarder } from '../forward/forwarder.ts'
import { decodeMessage, HEADER_BYTES } from '../message/decode.ts'
import { encodeMessage } from '../message/encode.ts'
import { FormatError } from '../message/format-error.ts'
import {
  CLASS_ANY,
  CLASS_IN,
  type Message,
  type Question,
  Rcode,
  RecordType,
  type ResourceRecord,
} from '../message/message.ts'
import { AnswerCache, questionKey } from './answer-cache.ts'
import type { OwnNames } from './own-names.ts'
import { bytesMaxFor, EDNS_UDP_BYTES, type QuickQuery, quickQueryOf, type Transport } from './query.ts'

const RESPONSE_BIT = 0x80
const RECURSION_DESIRED_BIT = 0x01
const CHECKING_DISABLED_BIT = 0x10

export interface ResponderDependencies {
  readonly catalog: ClusterCatalog
  readonly zone: ClusterZone
  readonly forwarder: Forwarder
  readonly ownNames: OwnNames
  /** Called with the response code of every answer. */
  readonly count: (rcode: number) => void
}

/**
 * Turns the bytes of a query, and the address it came from, into the bytes of its answer. Undefined: nothing to answer,
 * or not worth one.
 */
export type Responder = (
  packet: Buffer,
  transport: Transport,
  asker?: string,
) => Buffer | undefined | Promise<Buffer | undefined>

/**
 * Answers for the cluster come out at once, mostly from bytes kept since the question before; all else is forwarded. No
 * packet, whatever is in it, makes this throw.
 */
export function responder(dependencies: ResponderDependencies): Responder {
  const cache = new AnswerCache()
  return (packet, transport, asker) => {
    if (packet.length < HEADER_BYTES || (packet[2]! & RESPONSE_BIT) !== 0) return undefined // Never answer an answer.
    const quick = quickQueryOf(packet, transport)
    const key = quick && questionKey(packet, quick)
    const ready = key && cache.take(key, dependencies.catalog.version)
    if (ready) {
      dependencies.count(ready[3]! & 0xf)
      return addressedTo(packet, ready, quick!.questionEnd)
    }
    return respondInFull(dependencies, packet, {
      transport,
      asker,
      ...(quick && { cached: { cache, key: key!, quick } }),
    })
  }
}

/** A copy of a kept answer with the query's own id, flags and spelling of the name. */
function addressedTo(packet: Buffer, ready: Buffer, questionEnd: number): Buffer {
  const answer = Buffer.from(ready)
  packet.copy(answer, 0, 0, 2)
  packet.copy(answer, HEADER_BYTES, HEADER_BYTES, questionEnd)
  answer[2] = (answer[2]! & ~RECURSION_DESIRED_BIT) | (packet[2]! & RECURSION_DESIRED_BIT)
  answer[3] = (answer[3]! & ~CHECKING_DISABLED_BIT) | (packet[3]! & CHECKING_DISABLED_BIT)
  return answer
}

interface Asking {
  readonly transport: Transport
  readonly asker: string | undefined
  readonly cached?: { readonly cache: AnswerCache; readonly key: string; readonly quick: QuickQuery }
}

function respondInFull(dependencies: ResponderDependencies, packet: Buffer, asking: Asking): ReturnType<Responder> {
  const query = readQuery(packet)
  if (query === 'malformed') {
    dependencies.count(Rcode.FormatError)
    return formatErrorFor(packet)
  }
  const refusal = refusalOf(query)
  if (refusal !== undefined) return encoded(dependencies, query, failed(refusal), asking)
  const question = query.questions[0]!
  const answer = dependencies.zone.answer(question)
  if (answer && answer.alias === undefined) {
    const held = answer.rcode === Rcode.NameError ? dependencies.ownNames.whenKnown(question, asking.asker) : undefined
    if (held) return held.then(found => encoded(dependencies, query, found ?? answer, asking))
    return clusterAnswer(dependencies, query, answer, asking)
  }
  const whole = answer
    ? withAliasResolved(dependencies.forwarder, query, answer)
    : dependencies.forwarder.forward(question, query.edns?.dnssecOk ?? false)
  return whole.catch(() => serverFailure).then(found => encoded(dependencies, query, found, asking))
}

function readQuery(packet: Buffer): Message | 'malformed' {
  try {
    return decodeMessage(packet)
  } catch (error) {
    if (error instanceof FormatError) return 'malformed'
    throw error
  }
}

/** The header alone goes back: the rest may be the part that is broken. */
function formatErrorFor(packet: Buffer): Buffer {
  const answer = Buffer.alloc(HEADER_BYTES)
  packet.copy(answer, 0, 0, 2)
  answer[2] = RESPONSE_BIT | (packet[2]! & 0x79) // Opcode and recursion desired are copied.
  answer[3] = RESPONSE_BIT | Rcode.FormatError
  return answer
}

function refusalOf({ opcode, questions, edns }: Message): number | undefined {
  if (opcode !== 0) return Rcode.NotImplemented
  if (questions.length !== 1) return Rcode.FormatError
  if (edns && edns.version > 0) return Rcode.BadVersion
  const { type, class: asked } = questions[0]!
  if (asked !== CLASS_IN && asked !== CLASS_ANY) return Rcode.Refused
  return type === RecordType.AXFR || type === RecordType.IXFR || type === RecordType.OPT ? Rcode.Refused : undefined
}

function clusterAnswer(dependencies: ResponderDependencies, query: Message, answer: Answer, asking: Asking): Buffer {
  const { cached } = asking
  // A failure is not kept: it ends with the first sight of the cluster, which need not change its version.
  const isPassing = answer.rcode === Rcode.ServerFailure || isToCome(dependencies, query, answer)
  if (!cached || isPassing) return encoded(dependencies, query, answer, asking)
  dependencies.count(answer.rcode)
  const ready = cached.cache.put(cached.key, {
    count: answer.answers.length,
    encode: order => bytesOf(query, { ...answer, answers: rotated(answer.answers, order) }, cached.quick.bytesMax),
  })
  return Buffer.from(ready)
}

const isToCome = ({ ownNames }: ResponderDependencies, { questions }: Message, { rcode }: Answer): boolean =>
  rcode === Rcode.NameError && ownNames.mayCome(questions[0]!)

/** Aliases stay in front of what they lead to; the records behind them take turns at being first. */
function rotated(records: readonly ResourceRecord[], by: number): readonly ResourceRecord[] {
  const first = records.findIndex(({ type }) => type !== RecordType.CNAME)
  if (first < 0 || records.length - first < 2) return records
  const tail = records.slice(first)
  const turn = by % tail.length
  return [...records.slice(0, first), ...tail.slice(turn), ...tail.slice(0, turn)]
}

/** An ExternalName that leads outside: its alias alone is still an answer when the outside cannot be asked. */
async function withAliasResolved(forwarder: Forwarder, query: Message, answer: Answer): Promise<Answer> {
  const question: Question = { ...query.questions[0]!, name: answer.alias! }
  const outside = await forwarder.forward(question, query.edns?.dnssecOk ?? false)
  return { ...outside, authoritative: false, answers: [...answer.answers, ...outside.answers] }
}

function encoded({ count }: ResponderDependencies, query: Message, answer: Answer, { transport }: Asking): Buffer {
  count(answer.rcode)
  return bytesOf(query, answer, bytesMaxFor(transport, query.edns?.udpSize))
}

function bytesOf(query: Message, answer: Answer, bytesMax: number): Buffer {
  const { id, opcode, recursionDesired, checkingDisabled, questions, edns } = query
  const message: Message = {
    id,
    opcode,
    recursionDesired,
    checkingDisabled,
    questions: questions.slice(0, 1),
    response: true,
    recursionAvailable: true,
    truncated: false,
    authenticData: false,
    ...answer,
    ...(edns && { edns: { udpSize: EDNS_UDP_BYTES, version: 0, dnssecOk: edns.dnssecOk } }),
  }
  return encodeMessage(message, { bytesMax })
}
