/** A range of IPv4 addresses such as `10.244.0.0/16`. */
export interface AddressRange {
  /** In canonical form: the address bits below the prefix are zero. */
  readonly text: string
  readonly first: number
  /** How many addresses it has. */
  readonly size: number
  includes(address: string): boolean
}

/** Throws on text that is no IPv4 range. */
export function addressRangeOf(text: string): AddressRange {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(text)
  const address = match ? addressNumberOf(match[1]!) : undefined
  const bits = Number(match?.[2])
  if (address === undefined || bits > 32) throw new Error(`"${text}" is not an IPv4 range such as 10.244.0.0/16`)
  const size = 2 ** (32 - bits)
  const first = address - (address % size)
  return {
    text: `${addressTextOf(first)}/${bits}`,
    first,
    size,
    includes(other) {
      const number = addressNumberOf(other)
      return number !== undefined && number >= first && number < first + size
    },
  }
}

/** Undefined for anything but a dotted IPv4 address. */
export function addressNumberOf(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let number = 0
  for (const part of parts) {
    const byte = /^\d{1,3}$/.test(part) ? Number(part) : 256
    if (byte > 255) return undefined
    number = number * 256 + byte
  }
  return number
}

export const addressTextOf = (number: number): string =>
  [24, 16, 8, 0].map(shift => Math.floor(number / 2 ** shift) % 256).join('.')
