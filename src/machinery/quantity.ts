/**
 * Exact Kubernetes quantities ("Quantity" of the API conventions): a decimal number with a suffix, counted in nano-units.
 * Nothing is rounded on reading but what is finer than a nano-unit, which rounds away from zero as upstream does.
 */
export interface ParsedQuantity {
  /** The value in units of 10⁻⁹. */
  readonly nano: bigint
  /** How the value was written, kept for canonical printing. */
  readonly format: 'BinarySI' | 'DecimalSI' | 'DecimalExponent'
}

const NANO_PER_UNIT = 1_000_000_000n
const DECIMAL_EXPONENTS = new Map([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
])
const BINARY_POWERS = new Map([
  ['Ki', 10n],
  ['Mi', 20n],
  ['Gi', 30n],
  ['Ti', 40n],
  ['Pi', 50n],
  ['Ei', 60n],
])
const QUANTITY = /^([+-]?)(\d+\.?\d*|\.\d+)((?:[KMGTPE]i)|[numkMGTPE]|(?:[eE][+-]?\d{1,3}))?$/

/** Thrown for text that is no quantity; the message is the one clients of upstream know. */
export class QuantityError extends Error {
  override name = 'QuantityError'
}

/** Reads `100m`, `1.5Gi`, `1e3`, `2` … Throws `QuantityError`. */
export function parseQuantity(text: string | number): ParsedQuantity {
  const match = QUANTITY.exec(String(text))
  if (!match) {
    throw new QuantityError(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    )
  }
  const [, sign, digits, suffix = ''] = match
  const [whole = '', fraction = ''] = digits!.split('.')
  const mantissa = BigInt(`${whole}${fraction}` || '0')
  const magnitude = scaled(mantissa, fraction.length, suffix)
  return { nano: sign === '-' ? -magnitude : magnitude, format: formatOf(suffix) }
}

function scaled(mantissa: bigint, fractionDigits: number, suffix: string): bigint {
  const binary = BINARY_POWERS.get(suffix)
  if (binary !== undefined) return dividedUp((mantissa << binary) * NANO_PER_UNIT, 10n ** BigInt(fractionDigits))
  const exponent = (DECIMAL_EXPONENTS.get(suffix) ?? Number(suffix.slice(1))) + 9 - fractionDigits
  return exponent >= 0 ? mantissa * 10n ** BigInt(exponent) : dividedUp(mantissa, 10n ** BigInt(-exponent))
}

const dividedUp = (value: bigint, divisor: bigint): bigint => (value + divisor - 1n) / divisor

function formatOf(suffix: string): ParsedQuantity['format'] {
  if (BINARY_POWERS.has(suffix)) return 'BinarySI'
  return /^[eE]./.test(suffix) ? 'DecimalExponent' : 'DecimalSI'
}

/** The canonical text: the largest suffix that leaves a whole number, as the server stores and prints it. */
export function quantityText({ nano, format }: ParsedQuantity): string {
  if (nano === 0n) return '0'
  if (format === 'BinarySI' && nano % NANO_PER_UNIT === 0n) return binaryText(nano / NANO_PER_UNIT)
  return decimalText(nano, format === 'DecimalExponent')
}

function binaryText(units: bigint): string {
  let suffix = ''
  let shown = units
  if (units > -1024n && units < 1024n) return units.toString()
  for (const [candidate, power] of BINARY_POWERS) {
    if (units % (1n << power) !== 0n) break
    suffix = candidate
    shown = units >> power
  }
  return `${shown}${suffix}`
}

function decimalText(nano: bigint, asExponent: boolean): string {
  let suffix = 'n'
  let exponent = -9
  let shown = nano
  for (const [candidate, power] of DECIMAL_EXPONENTS) {
    const divisor = 10n ** BigInt(power + 9)
    if (nano % divisor !== 0n) break
    suffix = candidate
    exponent = power
    shown = nano / divisor
  }
  return asExponent ? `${shown}${exponent === 0 ? '' : `e${exponent}`}` : `${shown}${suffix}`
}

const nanoOf = (quantity: string | number | ParsedQuantity): bigint =>
  typeof quantity === 'object' ? quantity.nano : parseQuantity(quantity).nano

export function compareQuantities(a: string | number, b: string | number): number {
  const difference = nanoOf(a) - nanoOf(b)
  return difference === 0n ? 0 : difference < 0n ? -1 : 1
}

/** Sum in the format of the first summand that is not zero, as upstream adds. */
export function sumOfQuantities(quantities: Iterable<string | number>): string {
  let sum: ParsedQuantity = { nano: 0n, format: 'DecimalSI' }
  for (const text of quantities) {
    const { nano, format } = parseQuantity(text)
    sum = { nano: sum.nano + nano, format: sum.nano === 0n ? format : sum.format }
  }
  return quantityText(sum)
}

/** Whole units, rounded up: bytes of memory, counts. */
export const unitsOf = (quantity: string | number): number => ceilingOf(nanoOf(quantity), NANO_PER_UNIT)

/** Thousandths, rounded up: CPU. */
export const milliUnitsOf = (quantity: string | number): number => ceilingOf(nanoOf(quantity), 1_000_000n)

function ceilingOf(nano: bigint, divisor: bigint): number {
  const quotient = nano / divisor
  return Number(nano > 0n && nano % divisor !== 0n ? quotient + 1n : quotient)
}
