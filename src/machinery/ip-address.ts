import { addressNumberOf } from './address-range.ts'

/** An address as its bytes: 4 of IPv4, 16 of IPv6. */
export type AddressBytes = readonly number[]

const GROUPS = 8

/** Undefined for what is no address. Zones (`fe80::1%eth0`) belong to machines and are none. */
export function addressBytesOf(text: string): AddressBytes | undefined {
  const number = dottedNumberOf(text)
  if (number !== undefined) return [24, 16, 8, 0].map(shift => Math.floor(number / 2 ** shift) % 256)
  if (!text.includes(':')) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [before, after] = halves.map((half, at) => (half === '' ? [] : groupsOf(half, at === halves.length - 1)))
  if (!before || (halves.length === 2 && !after)) return undefined
  const gap = GROUPS - before.length - (after?.length ?? 0)
  if (after ? gap < 1 : gap !== 0) return undefined
  const groups = [...before, ...Array.from({ length: after ? gap : 0 }, () => 0), ...(after ?? [])]
  return groups.flatMap(group => [group >> 8, group & 0xff])
}

/** A byte with a zero before it is read as octal by some, and so by nobody here. */
const dottedNumberOf = (text: string): number | undefined =>
  /(?:^|\.)0\d/.test(text) ? undefined : addressNumberOf(text)

/** Groups of 16 bits; the last two of an address may be written as IPv4 (RFC 4291, section 2.2). */
function groupsOf(text: string, isEnd: boolean): number[] | undefined {
  const words = text.split(':')
  const dotted = isEnd && words.at(-1)!.includes('.') ? dottedNumberOf(words.pop()!) : undefined
  if (dotted === undefined && words.length < text.split(':').length) return undefined
  if (!words.every(word => /^[0-9a-f]{1,4}$/i.test(word))) return undefined
  const groups = words.map(word => Number.parseInt(word, 16))
  return dotted === undefined ? groups : [...groups, Math.floor(dotted / 65_536), dotted % 65_536]
}

/** The one way to write an address that RFC 5952 recommends. */
export function addressTextOfBytes(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: GROUPS }, (_, at) => bytes[at * 2]! * 256 + bytes[at * 2 + 1]!)
  const gap = longestZeroes(groups)
  const words = groups.map(group => group.toString(16))
  if (!gap) return words.join(':')
  return `${words.slice(0, gap.start).join(':')}::${words.slice(gap.end).join(':')}`
}

/** The first of the longest runs of at least two groups that are zero. */
function longestZeroes(groups: readonly number[]): { readonly start: number; readonly end: number } | undefined {
  let longest = { start: 0, end: 1 }
  for (let start = 0; start < groups.length; start++) {
    let end = start
    while (groups[end] === 0) end++
    if (end - start > longest.end - longest.start) longest = { start, end }
    start = Math.max(start, end - 1)
  }
  return longest.end - longest.start > 1 ? longest : undefined
}

export interface AddressPrefix {
  readonly bytes: AddressBytes
  readonly bits: number
}

/** Reads `10.0.0.0/8` or `2001:db8::/32`. Undefined for what is no range of either family. */
export function addressPrefixOf(text: string): AddressPrefix | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text)
  const bytes = match ? addressBytesOf(match[1]!) : undefined
  const bits = Number(match?.[2])
  return bytes && bits <= bytes.length * 8 ? { bytes, bits } : undefined
}

/** The address with the bits behind the prefix at zero. */
export const maskedBytes = ({ bytes, bits }: AddressPrefix): AddressBytes =>
  bytes.map((byte, at) => byte & (0xff << (8 - Math.min(8, Math.max(0, bits - at * 8)))) & 0xff)

export function isWithinPrefix(address: AddressBytes, prefix: AddressPrefix): boolean {
  if (address.length !== prefix.bytes.length) return false
  const network = maskedBytes(prefix)
  return maskedBytes({ bytes: address, bits: prefix.bits }).every((byte, at) => byte === network[at])
}
