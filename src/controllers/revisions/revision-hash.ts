const FNV_OFFSET_BASIS = 2166136261
const FNV_PRIME = 16777619
/** Digits are replaced by letters and digits that cannot spell a word. */
const SAFE_DIGITS = '456789bcdf'
/** Leaves room for `-` and the longest hash in a name of 253 characters, with some to spare, as upstream does. */
const OWNER_NAME_MAX = 223

/** FNV-1 over 32 bits: multiply, then xor. */
export function fnv1Of(bytes: Uint8Array): number {
  let hash = FNV_OFFSET_BASIS
  for (const byte of bytes) hash = (Math.imul(hash, FNV_PRIME) ^ byte) >>> 0
  return hash
}

/** The hash of recorded data; the count of collisions so far keeps two different ones apart (H2). */
export function revisionHashOf(dataText: string, collisionCount?: number): string {
  const hash = fnv1Of(Buffer.from(`${dataText}${collisionCount ?? ''}`))
  return String(hash).replace(/[0-9]/g, digit => SAFE_DIGITS[Number(digit)]!)
}

export const revisionNameOf = (ownerName: string, hash: string): string =>
  `${ownerName.slice(0, OWNER_NAME_MAX)}-${hash}`
