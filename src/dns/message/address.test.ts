import { isIP } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressBytes, addressOfReverseName, addressText, reverseNameOf } from './address.ts'

const canonical = (address: string): string => new URL(`http://[${address}]/`).hostname.slice(1, -1)

test('IPv6 addresses are read and written as URLs read and write them', () => {
  fc.assert(
    fc.property(fc.ipV6(), address => {
      expect(addressText(addressBytes(address)!)).toBe(canonical(address))
    }),
    { numRuns: 1000 },
  )
})

test.each(['::', '::1', '1::', 'fe80::1', '1:0:0:2:0:0:0:3', '2001:db8::1:0:0:1', '::ffff:10.0.0.1', '::1:0:1:0:0:1'])(
  '%s has its shortest form',
  address => {
    expect(addressText(addressBytes(address)!)).toBe(canonical(address))
  },
)

test('what is no address has no bytes', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f:.]{0,20}$/), text => {
      // The platform also takes zone ids and leading zeros differently; those cannot occur in this alphabet or length.
      if (isIP(text) === 0 && !/(^|\.)0\d/.test(text)) expect(addressBytes(text)).toBeUndefined()
    }),
  )
})

test('a reverse name leads back to its address', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), address => {
      expect(addressOfReverseName(reverseNameOf(address))).toBe(addressText(addressBytes(address)!))
    }),
  )
})

test.each(['10.in-addr.arpa', '1.2.3.4.5.in-addr.arpa', '256.0.0.1.in-addr.arpa', 'x.ip6.arpa', 'example.com'])(
  '%s asks about no address',
  name => {
    expect(addressOfReverseName(name)).toBeUndefined()
  },
)
