/** The bytes of an IPv4 or IPv6 address in text form; undefined for anything else. */
export const addressBytes = (text: string): Uint8Array | undefined =>
  text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text)

function ipv4Bytes(text: string): Uint8Array | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (!match) return undefined
  const bytes = match.slice(1).map(Number)
  return bytes.some(byte => byte > 255) ? undefined : Uint8Array.from(bytes)
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  const [head, tail, ...more] = withoutDottedQuad(text).split('::')
  if (more.length > 0 || head === undefined) return undefined
  const front = groupsOf(head)
  const back = tail === undefined ? [] : groupsOf(tail)
  const missing = 8 - front.length - back.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = [...front, ...Array<number>(missing).fill(0), ...back]
  if (groups.some(group => !(group >= 0 && group <= 0xffff))) return undefined
  return Uint8Array.from(groups.flatMap(group => [group >> 8, group & 0xff]))
}

const groupsOf = (text: string): number[] =>
  text === ''
    ? []
    : text.split(':').map(group => (/^[0-9a-f]{1,4}$/i.test(group) ? Number.parseInt(group, 16) : Number.NaN))

/** `::ffff:10.0.0.1` ends in an IPv4 address, which stands for two groups (RFC 4291 section 2.2). */
function withoutDottedQuad(text: string): string {
  const at = text.lastIndexOf(':') + 1
  const quad = ipv4Bytes(text.slice(at))
  if (!quad) return text
  const [a, b, c, d] = quad
  return `${text.slice(0, at)}${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}`
}

/** Dotted for four bytes; for sixteen as RFC 5952 says: lower case, the longest run of zeros folded. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((bytes[2 * index]! << 8) | bytes[2 * index + 1]!).toString(16),
  )
  const { start, length } = longestZeros(groups)
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}

/** The first of the longest runs of zero groups. */
function longestZeros(groups: readonly string[]): { readonly start: number; readonly length: number } {
  let longest = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    const end = groups.findIndex((group, index) => index >= start && group !== '0')
    const length = (end < 0 ? groups.length : end) - start
    if (length > longest.length) longest = { start, length }
  }
  return longest
}

/** `5.0.244.10.in-addr.arpa` (RFC 1035 section 3.5), or its likeness under `ip6.arpa` (RFC 3596 section 2.5). */
export function reverseNameOf(address: string): string {
  const bytes = addressBytes(address)
  if (!bytes) throw new Error(`"${address}" is not an IP address`)
  if (bytes.length === 4) return `${[...bytes].reverse().join('.')}.in-addr.arpa`
  const nibbles = [...bytes].flatMap(byte => [byte >> 4, byte & 0xf])
  return `${nibbles
    .reverse()
    .map(nibble => nibble.toString(16))
    .join('.')}.ip6.arpa`
}

/** The address that a folded reverse name asks about; undefined for any other name. */
export function addressOfReverseName(name: string): string | undefined {
  if (name.endsWith('.in-addr.arpa')) {
    const labels = name.slice(0, -'.in-addr.arpa'.length).split('.')
    const bytes = labels.length === 4 ? addressBytes(labels.reverse().join('.')) : undefined
    return bytes && addressText(bytes)
  }
  if (!name.endsWith('.ip6.arpa')) return undefined
  const nibbles = name.slice(0, -'.ip6.arpa'.length).split('.')
  if (nibbles.length !== 32 || nibbles.some(nibble => !/^[0-9a-f]$/.test(nibble))) return undefined
  return addressText(Buffer.from(nibbles.reverse().join(''), 'hex'))
}
