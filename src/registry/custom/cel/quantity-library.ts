import type { Environment } from '@marcbachmann/cel-js'
import { parseQuantity } from '../../../machinery/quantity.ts'
import { can } from './can.ts'
import type { Register } from './register.ts'

const NANO = 1_000_000_000n

class Quantity {
  readonly nano: bigint

  constructor(nano: bigint) {
    this.nano = nano
  }

  get isWhole(): boolean {
    return this.nano % NANO === 0n
  }
}

class Version {
  readonly numbers: readonly [bigint, bigint, bigint]
  readonly prerelease: readonly string[]

  /** Throws for what is no version by semver.org 2.0.0. */
  constructor(text: string) {
    const match = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/.exec(text)
    if (!match) throw new Error(`Version string empty or malformed: "${text}"`)
    this.numbers = [BigInt(match[1]!), BigInt(match[2]!), BigInt(match[3]!)]
    this.prerelease = match[4]?.split('.') ?? []
  }
}

const signOf = (number: bigint | number): bigint => (number > 0 ? 1n : number < 0 ? -1n : 0n)

function versionOrder(a: Version, b: Version): bigint {
  for (const [at, number] of a.numbers.entries()) {
    const sign = signOf(number - b.numbers[at]!)
    if (sign !== 0n) return sign
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0) return signOf(b.prerelease.length - a.prerelease.length)
  for (const [at, word] of a.prerelease.entries()) {
    const other = b.prerelease[at]
    if (other === undefined) return 1n
    const sign = wordOrder(word, other)
    if (sign !== 0n) return sign
  }
  return signOf(a.prerelease.length - b.prerelease.length)
}

function wordOrder(a: string, b: string): bigint {
  const [isNumberA, isNumberB] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (isNumberA && isNumberB) return signOf(BigInt(a) - BigInt(b))
  if (isNumberA !== isNumberB) return isNumberA ? -1n : 1n
  return a < b ? -1n : a > b ? 1n : 0n
}

/** Quantities and versions ("Kubernetes quantity and semver libraries"). */
export function registerQuantities(environment: Environment, register: Register): void {
  environment.registerType('kubernetes.Quantity', { ctor: Quantity, fields: {} } as never)
  environment.registerType('kubernetes.Semver', { ctor: Version, fields: {} } as never)
  register('quantity(string): kubernetes.Quantity', (text: string) => new Quantity(parseQuantity(text).nano))
  register('isQuantity(string): bool', (text: string) => can(() => parseQuantity(text)))
  register('kubernetes.Quantity.sign(): int', ({ nano }: Quantity) => signOf(nano))
  register('kubernetes.Quantity.isInteger(): bool', (quantity: Quantity) => quantity.isWhole)
  register('kubernetes.Quantity.asInteger(): int', (quantity: Quantity) => {
    if (!quantity.isWhole) throw new Error('cannot convert value to integer')
    return quantity.nano / NANO
  })
  register('kubernetes.Quantity.asApproximateFloat(): double', ({ nano }: Quantity) => Number(nano) / Number(NANO))
  const nanoOf = (other: Quantity | bigint): bigint => (typeof other === 'bigint' ? other * NANO : other.nano)
  for (const type of ['kubernetes.Quantity', 'int']) {
    register(
      `kubernetes.Quantity.add(${type}): kubernetes.Quantity`,
      (a: Quantity, b: Quantity | bigint) => new Quantity(a.nano + nanoOf(b)),
    )
    register(
      `kubernetes.Quantity.sub(${type}): kubernetes.Quantity`,
      (a: Quantity, b: Quantity | bigint) => new Quantity(a.nano - nanoOf(b)),
    )
  }
  const order = (a: Quantity, b: Quantity): bigint => signOf(a.nano - b.nano)
  registerOrder(register, 'kubernetes.Quantity', order)
  environment.registerOperator(
    'kubernetes.Quantity == kubernetes.Quantity',
    (a: Quantity, b: Quantity) => order(a, b) === 0n,
  )
  register('semver(string): kubernetes.Semver', (text: string) => new Version(text))
  register('isSemver(string): bool', (text: string) => can(() => new Version(text)))
  for (const [at, name] of ['major', 'minor', 'patch'].entries()) {
    register(`kubernetes.Semver.${name}(): int`, ({ numbers }: Version) => numbers[at])
  }
  registerOrder(register, 'kubernetes.Semver', versionOrder)
  environment.registerOperator(
    'kubernetes.Semver == kubernetes.Semver',
    (a: Version, b: Version) => versionOrder(a, b) === 0n,
  )
}

function registerOrder<T>(register: Register, type: string, order: (a: T, b: T) => bigint): void {
  register(`${type}.compareTo(${type}): int`, order)
  register(`${type}.isLessThan(${type}): bool`, (a: T, b: T) => order(a, b) < 0n)
  register(`${type}.isGreaterThan(${type}): bool`, (a: T, b: T) => order(a, b) > 0n)
}
