import { HEADER_BYTES } from '../message/decode.ts'
import { RecordType } from '../message/message.ts'

/** What a plain UDP answer may have without EDNS (RFC 1035 section 4.2.1). */
const PLAIN_UDP_BYTES = 512
/** Survives every path without fragments; what DNS Flag Day 2020 settled on. */
export const EDNS_UDP_BYTES = 1232
const TCP_BYTES = 65_535
const LABEL_BYTES_MAX = 63
const OPT_FIXED_BYTES = 11
/** RFC 1035 section 4.1.1: everything but opcode 0 and no answer yet is for the slow way to judge. */
const PLAIN_QUERY_MASK = 0xf800

export type Transport = 'udp' | 'tcp'

/** A common query, read no further than needed to look its answer up. */
export interface QuickQuery {
  /** Where the question's bytes end. */
  readonly questionEnd: number
  readonly bytesMax: number
  readonly hasEdns: boolean
  readonly dnssecOk: boolean
}

/** Undefined for a query that is not of the common shape, which is then decoded in full. Never throws. */
export function quickQueryOf(packet: Buffer, transport: Transport): QuickQuery | undefined {
  if (packet.length < HEADER_BYTES + 5 || (packet.readUInt16BE(2) & PLAIN_QUERY_MASK) !== 0) return undefined
  if (packet.readUInt32BE(4) !== 0x00010000 || packet.readUInt16BE(8) !== 0) return undefined // One question, no records.
  const questionEnd = endOfQuestion(packet)
  if (questionEnd === undefined) return undefined
  const additionalCount = packet.readUInt16BE(10)
  if (additionalCount === 0 && questionEnd === packet.length) {
    return { questionEnd, bytesMax: transport === 'tcp' ? TCP_BYTES : PLAIN_UDP_BYTES, hasEdns: false, dnssecOk: false }
  }
  return additionalCount === 1 ? withEdns(packet, questionEnd, transport) : undefined
}

function endOfQuestion(packet: Buffer): number | undefined {
  let offset = HEADER_BYTES
  for (;;) {
    const size = packet[offset]
    if (size === undefined || size > LABEL_BYTES_MAX) return undefined
    offset += size + 1
    if (size === 0) break
  }
  return offset - HEADER_BYTES <= 255 && offset + 4 <= packet.length ? offset + 4 : undefined
}

function withEdns(packet: Buffer, start: number, transport: Transport): QuickQuery | undefined {
  if (start + OPT_FIXED_BYTES > packet.length) return undefined
  const isOpt = packet[start] === 0 && packet.readUInt16BE(start + 1) === RecordType.OPT
  const version = packet[start + 6]
  const optionBytes = packet.readUInt16BE(start + 9)
  if (!isOpt || version !== 0 || start + OPT_FIXED_BYTES + optionBytes !== packet.length) return undefined
  return {
    questionEnd: start,
    bytesMax: bytesMaxFor(transport, packet.readUInt16BE(start + 3)),
    hasEdns: true,
    dnssecOk: (packet[start + 7]! & 0x80) !== 0,
  }
}

/** How long an answer may be, given what the client says that it takes (undefined without EDNS). */
export function bytesMaxFor(transport: Transport, udpSize: number | undefined): number {
  if (transport === 'tcp') return TCP_BYTES
  return Math.min(Math.max(udpSize ?? PLAIN_UDP_BYTES, PLAIN_UDP_BYTES), EDNS_UDP_BYTES)
}
