/** Types of resource records that this server makes or reads by name. All others pass through as bytes (RFC 3597). */
export const RecordType = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const

export const CLASS_IN = 1
export const CLASS_ANY = 255

/** Response codes (RFC 1035 section 4.1.1, RFC 6891 section 9). */
export const Rcode = {
  NoError: 0,
  FormatError: 1,
  ServerFailure: 2,
  NameError: 3,
  NotImplemented: 4,
  Refused: 5,
  BadVersion: 16,
} as const

/** A name in presentation form without its final dot; `\` escapes a dot, itself, or a byte as three digits. */
export type DomainName = string

export interface Question {
  readonly name: DomainName
  readonly type: number
  readonly class: number
}

export interface ResourceRecord {
  readonly name: DomainName
  readonly type: number
  readonly class: number
  readonly ttl: number
  /** As on the wire, names inside it never compressed. */
  readonly data: Uint8Array
}

/** What an OPT record says (RFC 6891 section 6.1.3). Its options are read past. */
export interface Edns {
  readonly udpSize: number
  readonly version: number
  readonly dnssecOk: boolean
}

export interface Message {
  readonly id: number
  readonly response: boolean
  readonly opcode: number
  readonly authoritative: boolean
  readonly truncated: boolean
  readonly recursionDesired: boolean
  readonly recursionAvailable: boolean
  readonly authenticData: boolean
  readonly checkingDisabled: boolean
  /** With its upper bits, when the message has an OPT record. */
  readonly rcode: number
  readonly questions: readonly Question[]
  readonly answers: readonly ResourceRecord[]
  readonly authority: readonly ResourceRecord[]
  /** Without the OPT record, which is `edns`. */
  readonly additional: readonly ResourceRecord[]
  readonly edns?: Edns
}

/** A standard query with recursion desired and nothing else. */
export const queryFor = (id: number, question: Question): Message => ({
  id,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: Rcode.NoError,
  questions: [question],
  answers: [],
  authority: [],
  additional: [],
})
