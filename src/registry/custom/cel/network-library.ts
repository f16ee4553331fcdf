import { BlockList, isIP, SocketAddress } from 'node:net'
import type { Environment } from '@marcbachmann/cel-js'
import { can } from './can.ts'
import type { Register } from './register.ts'

class Address {
  /** In canonical form. */
  readonly text: string
  readonly family: 4 | 6

  /** Throws for what is no address, or one that two readers could read in two ways (with a zone, or IPv4 in IPv6). */
  constructor(text: string) {
    const family = isIP(text)
    if (family === 0) throw new Error(`IP Address "${text}" parse error during conversion from string`)
    if (text.includes('%')) throw new Error(`IP address with zone value is not allowed: "${text}"`)
    if (family === 6 && /^::ffff:/i.test(text)) throw new Error(`IPv4-mapped IPv6 address is not allowed: "${text}"`)
    this.family = family === 4 ? 4 : 6
    this.text = SocketAddress.parse(family === 4 ? text : `[${text}]`)?.address ?? text
  }

  isWithin(range: string): boolean {
    return rangeOf(range).list.check(this.text, familyOf(this))
  }
}

const familyOf = ({ family }: Address): 'ipv4' | 'ipv6' => (family === 4 ? 'ipv4' : 'ipv6')

class Range {
  readonly address: Address
  readonly bits: number
  readonly list = new BlockList()

  constructor(text: string) {
    const match = /^([^/]+)\/(\d{1,3})$/.exec(text)
    if (!match) throw new Error(`network address parse error during conversion from string: invalid CIDR: "${text}"`)
    this.address = new Address(match[1]!)
    this.bits = Number(match[2])
    if (this.bits > (this.address.family === 4 ? 32 : 128)) throw new Error(`invalid CIDR: "${text}"`)
    this.list.addSubnet(this.address.text, this.bits, familyOf(this.address))
  }

  includes(address: Address): boolean {
    return address.family === this.address.family && this.list.check(address.text, familyOf(address))
  }

  /** With the bits behind the prefix at zero. */
  masked(): string {
    const bytes = bytesOf(this.address)
    const kept = bytes.map((byte, at) => byte & (0xff << (8 - Math.min(8, Math.max(0, this.bits - at * 8)))) & 0xff)
    return `${textOf(kept)}/${this.bits}`
  }
}

function bytesOf({ family, text }: Address): number[] {
  if (family === 4) return text.split('.').map(Number)
  const [head = '', tail] = text.split('::')
  const groupsOf = (part: string): number[] =>
    part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16))
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')]
  const middle = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => 0)
  return [...before, ...middle, ...after].flatMap(group => [group >> 8, group & 0xff])
}

function textOf(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[at * 2]! << 8) | bytes[at * 2 + 1]!).toString(16))
  return new Address(groups.join(':')).text
}

const ranges = new Map<string, Range>()

/** Only for the few that are written here. */
function rangeOf(text: string): Range {
  const known = ranges.get(text) ?? new Range(text)
  ranges.set(text, known)
  return known
}

const among =
  (ranges4: readonly string[], ranges6: readonly string[]) =>
  (address: Address): boolean =>
    (address.family === 4 ? ranges4 : ranges6).some(range => address.isWithin(range))

const isUnspecified = among(['0.0.0.0/32'], ['::/128'])
const isLoopback = among(['127.0.0.0/8'], ['::1/128'])
const isLinkLocalMulticast = among(['224.0.0.0/24'], ['ff02::/16'])
const isLinkLocalUnicast = among(['169.254.0.0/16'], ['fe80::/10'])
const isMulticast = among(['224.0.0.0/4'], ['ff00::/8'])

const isGlobalUnicast = (address: Address): boolean =>
  address.text !== '255.255.255.255' &&
  ![isUnspecified, isLoopback, isMulticast, isLinkLocalUnicast].some(is => is(address))

class WebAddress {
  readonly url: URL

  constructor(text: string) {
    if (!isUrl(text))
      throw new Error(`URL parse error during conversion from string: parse "${text}": invalid URI for request`)
    this.url = new URL(text, BASE)
  }

  get isAbsolutePath(): boolean {
    return this.url.origin === new URL(BASE).origin
  }
}

/** Stands for the host of an address that is only a path. */
const BASE = 'http://holdfast.invalid'
const isUrl = (text: string): boolean =>
  text.startsWith('/') ? URL.canParse(text, BASE) : /^[a-z][a-z0-9+.-]*:/i.test(text) && URL.canParse(text)

class AddressNamespace {}

/** Addresses, ranges and URLs ("Kubernetes IP, CIDR and URL libraries"). */
export function registerNetwork(environment: Environment, register: Register): void {
  environment.registerType('net.IP', { ctor: Address, fields: {} } as never)
  environment.registerType('net.CIDR', { ctor: Range, fields: {} } as never)
  environment.registerType('kubernetes.URL', { ctor: WebAddress, fields: {} } as never)
  environment.registerType('AddressNamespace', AddressNamespace)
  environment.registerConstant('ip', 'AddressNamespace', new AddressNamespace())
  register('ip(string): net.IP', (text: string) => new Address(text))
  register('isIP(string): bool', (text: string) => can(() => new Address(text)))
  register(
    'AddressNamespace.isCanonical(string): bool',
    (_ip: unknown, text: string) => new Address(text).text === text,
  )
  register('string(net.IP): string', (address: Address) => address.text)
  register('net.IP.family(): int', (address: Address) => BigInt(address.family))
  const questions = { isUnspecified, isLoopback, isLinkLocalMulticast, isLinkLocalUnicast, isGlobalUnicast }
  for (const [name, question] of Object.entries(questions)) register(`net.IP.${name}(): bool`, question)
  environment.registerOperator('net.IP == net.IP', (a: Address, b: Address) => a.text === b.text)
  registerRanges(environment, register)
  registerUrls(environment, register)
}

function registerRanges(environment: Environment, register: Register): void {
  register('cidr(string): net.CIDR', (text: string) => new Range(text))
  register('isCIDR(string): bool', (text: string) => can(() => new Range(text)))
  register('string(net.CIDR): string', (range: Range) => `${range.address.text}/${range.bits}`)
  register('net.CIDR.ip(): net.IP', (range: Range) => range.address)
  register('net.CIDR.prefixLength(): int', (range: Range) => BigInt(range.bits))
  register('net.CIDR.masked(): net.CIDR', (range: Range) => new Range(range.masked()))
  register('net.CIDR.containsIP(net.IP): bool', (range: Range, address: Address) => range.includes(address))
  register('net.CIDR.containsIP(string): bool', (range: Range, text: string) => range.includes(new Address(text)))
  const containsRange = (range: Range, other: Range): boolean =>
    other.bits >= range.bits && range.includes(other.address)
  register('net.CIDR.containsCIDR(net.CIDR): bool', containsRange)
  register('net.CIDR.containsCIDR(string): bool', (range: Range, text: string) => containsRange(range, new Range(text)))
  environment.registerOperator(
    'net.CIDR == net.CIDR',
    (a: Range, b: Range) => a.address.text === b.address.text && a.bits === b.bits,
  )
}

function registerUrls(environment: Environment, register: Register): void {
  register('url(string): kubernetes.URL', (text: string) => new WebAddress(text))
  register('isURL(string): bool', isUrl)
  const part = (name: string, read: (url: URL) => string): void =>
    register(`kubernetes.URL.${name}(): string`, (address: WebAddress) => read(address.url))
  register('kubernetes.URL.getScheme(): string', (one: WebAddress) =>
    one.isAbsolutePath ? '' : one.url.protocol.slice(0, -1),
  )
  register('kubernetes.URL.getHost(): string', (one: WebAddress) => (one.isAbsolutePath ? '' : one.url.host))
  register('kubernetes.URL.getHostname(): string', (one: WebAddress) =>
    one.isAbsolutePath ? '' : one.url.hostname.replace(/^\[|\]$/g, ''),
  )
  part('getPort', url => url.port)
  part('getEscapedPath', url => url.pathname)
  register('kubernetes.URL.getQuery(): map<string, list<string>>', ({ url }: WebAddress) =>
    Object.fromEntries([...new Set(url.searchParams.keys())].map(key => [key, url.searchParams.getAll(key)])),
  )
  environment.registerOperator(
    'kubernetes.URL == kubernetes.URL',
    (a: WebAddress, b: WebAddress) => a.url.href === b.url.href,
  )
}
