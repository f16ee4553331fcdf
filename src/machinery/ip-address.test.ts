import { isIP, SocketAddress } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressBytesOf, addressPrefixOf, addressTextOfBytes, isWithinPrefix } from './ip-address.ts'

test('an address is one where node says so, and is written as node writes it', () => {
  const word = fc.constantFrom('', '0', '1', 'ff', 'ABCD', '12345', 'g', '1.2.3.4', '256.1.1.1', '01.2.3.4')
  const odd = fc.array(word, { maxLength: 10 }).map(words => words.join(':'))
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), word, odd, fc.string()), text => {
      const bytes = addressBytesOf(text)
      // Node writes IPv4 within IPv6 with points, which RFC 5952 leaves open; a zone is no part of an address here.
      if (text.includes('%')) return
      expect(bytes !== undefined).toBe(isIP(text) !== 0)
      if (!bytes) return
      const theirs = bytes.length === 4 ? text : SocketAddress.parse(`[${text}]`)!.address
      if (!theirs.includes('.') || bytes.length === 4) expect(addressTextOfBytes(bytes)).toBe(theirs)
      expect(addressBytesOf(addressTextOfBytes(bytes))).toEqual(bytes)
    }),
    { numRuns: 3000 },
  )
})

test.each([
  ['10.1.2.3', '10.0.0.0/8', true],
  ['11.1.2.3', '10.0.0.0/8', false],
  ['10.1.2.3', '0.0.0.0/0', true],
  ['2001:db8::1', '2001:db8::/32', true],
  ['2001:db9::1', '2001:db8::/32', false],
  ['10.1.2.3', '::/0', false],
  ['192.168.1.129', '192.168.1.128/25', true],
  ['192.168.1.127', '192.168.1.128/25', false],
])('whether %s lies in %s: %s', (address, range, expected) => {
  expect(isWithinPrefix(addressBytesOf(address)!, addressPrefixOf(range)!)).toBe(expected)
})

test.each(['10.0.0.0', '10.0.0.0/33', '::/129', '/8', '10.0.0.0/8/8', 'x/8'])('%s is no range', text => {
  expect(addressPrefixOf(text)).toBeUndefined()
})
