/** All the chance that domain code knows. Simulations hand in one that is driven by a seed. */
export interface Random {
  /** A number in [0, 1). */
  float(): number
  bytes(count: number): Uint8Array
}

/** A whole number in [0, bound). */
export const integerBelow = (random: Random, bound: number): number => Math.floor(random.float() * bound)

/** A version 4 UUID (RFC 9562), as `metadata.uid` holds one. */
export function uuidFrom(random: Random): string {
  const bytes = random.bytes(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  let text = ''
  for (let i = 0; i < 16; i++) text += UUID_DASHES.has(i) ? `-${HEX[bytes[i]!]}` : HEX[bytes[i]!]
  return text
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
/** The bytes that a dash stands before. */
const UUID_DASHES: ReadonlySet<number> = new Set([4, 6, 8, 10])

/** Without vowels and look-alikes, as Kubernetes makes its suffixes: no word and no misreading comes out. */
const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** The suffix that `generateName` and ReplicaSets append; five characters by convention. */
export function suffixFrom(random: Random, length = 5): string {
  let suffix = ''
  for (let i = 0; i < length; i++) suffix += SUFFIX_ALPHABET[integerBelow(random, SUFFIX_ALPHABET.length)]
  return suffix
}
