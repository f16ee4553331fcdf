import type { Environment } from '@marcbachmann/cel-js'
import {
  type AddressBytes,
  type AddressPrefix,
  addressBytesOf,
  addressPrefixOf,
  addressTextOfBytes,
  isWithinPrefix,
  maskedBytes,
} from '../../../machinery/ip-address.ts'
import { can } from './can.ts'
import type { Register } from './register.ts'

class Address {
  readonly bytes: AddressBytes

  /** Throws for what is no address, or one that two readers could read in two ways (with a zone, or IPv4 in IPv6). */
  constructor(text: string) {
    if (text.includes('%')) throw new Error(`IP address with zone value is not allowed: "${text}"`)
    const bytes = addressBytesOf(text)
    if (!bytes) throw new Error(`IP Address "${text}" parse error during conversion from string`)
    if (bytes.length > 4 && isWithinPrefix(bytes, MAPPED)) {
      throw new Error(`IPv4-mapped IPv6 address is not allowed: "${text}"`)
    }
    this.bytes = bytes
  }

  /** In canonical form. */
  get text(): string {
    return addressTextOfBytes(this.bytes)
  }

  get family(): 4 | 6 {
    return this.bytes.length === 4 ? 4 : 6
  }
}

const prefixOf = (text: string): AddressPrefix => addressPrefixOf(text)!
const MAPPED = prefixOf('::ffff:0:0/96')

class Range {
  readonly address: Address
  readonly prefix: AddressPrefix

  constructor(text: string) {
    const prefix = addressPrefixOf(text)
    if (!prefix) throw new Error(`network address parse error during conversion from string: invalid CIDR: "${text}"`)
    this.address = new Address(text.split('/')[0]!)
    this.prefix = prefix
  }

  get bits(): number {
    return this.prefix.bits
  }

  includes({ bytes }: Address): boolean {
    return isWithinPrefix(bytes, this.prefix)
  }

  /** With the bits behind the prefix at zero. */
  masked(): string {
    return `${addressTextOfBytes(maskedBytes(this.prefix))}/${this.bits}`
  }
}

const among = (...ranges: readonly string[]) => {
  const prefixes = ranges.map(prefixOf)
  return ({ bytes }: Address): boolean => prefixes.some(prefix => isWithinPrefix(bytes, prefix))
}

const isUnspecified = among('0.0.0.0/32', '::/128')
const isLoopback = among('127.0.0.0/8', '::1/128')
const isLinkLocalMulticast = among('224.0.0.0/24', 'ff02::/16')
const isLinkLocalUnicast = among('169.254.0.0/16', 'fe80::/10')
const isMulticast = among('224.0.0.0/4', 'ff00::/8')
const isBroadcast = among('255.255.255.255/32')

const isGlobalUnicast = (address: Address): boolean =>
  ![isUnspecified, isLoopback, isMulticast, isLinkLocalUnicast, isBroadcast].some(is => is(address))

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
