import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  compareQuantities,
  milliUnitsOf,
  parseQuantity,
  QuantityError,
  quantityText,
  sumOfQuantities,
  unitsOf,
} from './quantity.ts'

const canonical = (text: string): string => quantityText(parseQuantity(text))

test.each([
  ['0', '0'],
  ['1Gi', '1Gi'],
  ['1024Mi', '1Gi'],
  ['1.5Gi', '1536Mi'],
  ['0.5', '500m'],
  ['100m', '100m'],
  ['1000m', '1'],
  ['1000k', '1M'],
  ['12e6', '12e6'],
  ['1e3', '1e3'],
  ['1E', '1E'],
  ['1.123456789123', '1123456790n'],
  ['-1.5k', '-1500'],
  ['+7', '7'],
  ['.5', '500m'],
  ['1000Ki', '1000Ki'],
  ['0.1Ki', '102400m'],
])('%s is written %s', (text, expected) => {
  expect(canonical(text)).toBe(expected)
})

test.each(['', 'x', '1Kii', '1 Gi', '1e', '--1', '1.2.3', 'Gi', '0x10'])('"%s" is no quantity', text => {
  expect(() => parseQuantity(text)).toThrow(QuantityError)
})

test('equal amounts compare equal however they are written', () => {
  expect(compareQuantities('1Gi', '1024Mi')).toBe(0)
  expect(compareQuantities('1G', '1Gi')).toBe(-1)
  expect(compareQuantities('1001m', 1)).toBe(1)
})

test('fractions of bytes and of thousandths round up', () => {
  expect(unitsOf('1.5')).toBe(2)
  expect(milliUnitsOf('1u')).toBe(1)
  expect(unitsOf('128Mi')).toBe(134_217_728)
})

test('sums keep the format of the first summand that is not zero', () => {
  expect(sumOfQuantities(['0', '512Mi', '512Mi'])).toBe('1Gi')
  expect(sumOfQuantities(['250m', '750m'])).toBe('1')
})

test('the canonical text reads back as the same amount', () => {
  const suffix = fc.constantFrom(
    '',
    'n',
    'u',
    'm',
    'k',
    'M',
    'G',
    'T',
    'P',
    'E',
    'Ki',
    'Mi',
    'Gi',
    'Ti',
    'Pi',
    'Ei',
    'e2',
    'E-3',
  )
  const number = fc.tuple(fc.constantFrom('', '-'), fc.nat(999_999), fc.option(fc.nat(999_999)))
  fc.assert(
    fc.property(number, suffix, ([sign, whole, fraction], unit) => {
      const text = `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${unit}`
      const parsed = parseQuantity(text)
      expect(parseQuantity(quantityText(parsed)).nano).toBe(parsed.nano)
      expect(canonical(canonical(text))).toBe(canonical(text))
    }),
  )
})
