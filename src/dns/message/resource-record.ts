import { addressBytes, addressText } from './address.ts'
import { FormatError } from './format-error.ts'
import { CLASS_IN, type DomainName, RecordType, type ResourceRecord } from './message.ts'
import { nameBytes, nameOf, readLabels } from './name.ts'

const record = (name: DomainName, type: number, ttl: number, data: Uint8Array): ResourceRecord => ({
  name,
  type,
  class: CLASS_IN,
  ttl,
  data,
})

/** A or AAAA, by what the address is. */
export function addressRecord(name: DomainName, ttl: number, address: string): ResourceRecord {
  const data = addressBytes(address)
  if (!data) throw new FormatError(`"${address}" is not an IP address`)
  return record(name, data.length === 4 ? RecordType.A : RecordType.AAAA, ttl, data)
}

export const cnameRecord = (name: DomainName, ttl: number, target: DomainName): ResourceRecord =>
  record(name, RecordType.CNAME, ttl, nameBytes(target))

export const ptrRecord = (name: DomainName, ttl: number, target: DomainName): ResourceRecord =>
  record(name, RecordType.PTR, ttl, nameBytes(target))

export const nsRecord = (name: DomainName, ttl: number, target: DomainName): ResourceRecord =>
  record(name, RecordType.NS, ttl, nameBytes(target))

export interface ServiceTarget {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly target: DomainName
}

export function srvRecord(
  name: DomainName,
  ttl: number,
  { priority, weight, port, target }: ServiceTarget,
): ResourceRecord {
  const head = Buffer.alloc(6)
  for (const [index, value] of [priority, weight, port].entries()) head.writeUInt16BE(value, 2 * index)
  return record(name, RecordType.SRV, ttl, Buffer.concat([head, nameBytes(target)]))
}

/** Texts of at most 255 bytes each. */
export const txtRecord = (name: DomainName, ttl: number, texts: readonly string[]): ResourceRecord =>
  record(
    name,
    RecordType.TXT,
    ttl,
    Buffer.concat(texts.map(text => Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)]))),
  )

export interface StartOfAuthority {
  readonly primary: DomainName
  readonly mailbox: DomainName
  readonly serial: number
  readonly refreshSeconds: number
  readonly retrySeconds: number
  readonly expireSeconds: number
  /** How long others may remember that a name or type is not there (RFC 2308 section 4). */
  readonly negativeTtlSeconds: number
}

export function soaRecord(name: DomainName, ttl: number, soa: StartOfAuthority): ResourceRecord {
  const numbers = Buffer.alloc(20)
  const values = [soa.serial, soa.refreshSeconds, soa.retrySeconds, soa.expireSeconds, soa.negativeTtlSeconds]
  for (const [index, value] of values.entries()) numbers.writeUInt32BE(value >>> 0, 4 * index)
  return record(name, RecordType.SOA, ttl, Buffer.concat([nameBytes(soa.primary), nameBytes(soa.mailbox), numbers]))
}

/** The last field of an SOA record. */
export const negativeTtlOf = ({ data }: ResourceRecord): number => buffered(data).readUInt32BE(data.length - 4)

/** The name that the data of a CNAME, NS, PTR, SRV or MX record points to. */
function targetOf({ type, data }: ResourceRecord): DomainName {
  const start = type === RecordType.SRV ? 6 : type === RecordType.MX ? 2 : 0
  return nameOf(readLabels(buffered(data), start).labels)
}

/** The data as zone files show it; types without a form of their own as RFC 3597 section 5 says. */
export function dataText(subject: ResourceRecord): string {
  const { type, data } = subject
  const bytes = buffered(data)
  switch (type) {
    case RecordType.A:
    case RecordType.AAAA:
      return addressText(data)
    case RecordType.CNAME:
    case RecordType.NS:
    case RecordType.PTR:
      return `${targetOf(subject)}.`
    case RecordType.SRV:
      return `${[0, 2, 4].map(offset => bytes.readUInt16BE(offset)).join(' ')} ${targetOf(subject)}.`
    case RecordType.TXT:
      return textsOf(bytes)
        .map(text => JSON.stringify(text))
        .join(' ')
    default:
      return `\\# ${data.length} ${bytes.toString('hex')}`
  }
}

function textsOf(bytes: Buffer): string[] {
  const texts: string[] = []
  for (let offset = 0; offset < bytes.length; offset += 1 + bytes[offset]!) {
    texts.push(bytes.toString('utf8', offset + 1, Math.min(bytes.length, offset + 1 + bytes[offset]!)))
  }
  return texts
}

const buffered = (data: Uint8Array): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength)
