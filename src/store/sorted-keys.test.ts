import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sortKey } from './sort-key.ts'
import { SortedKeys } from './sorted-keys.ts'
import { keysUnder } from './store.ts'

const someKeys = fc.array(fc.string({ unit: 'grapheme', maxLength: 4 }), { maxLength: 200 })

test('keys come out in order, each once, whatever was added and removed', () => {
  fc.assert(
    fc.property(
      someKeys,
      someKeys,
      fc.string({ maxLength: 2 }),
      fc.string({ maxLength: 2 }),
      (added, removed, a, b) => {
        const keys = new SortedKeys()
        for (const key of added) keys.add(key)
        for (const key of removed) keys.delete(key)
        const expected = [...new Set(added)].filter(key => !removed.includes(key) && key >= a && key < b).sort()
        expect([...keys.from(a, b)]).toEqual(expected)
        expect(keys.count(a, b)).toBe(expected.length)
      },
    ),
  )
})

test('many keys in any order are kept in order', () => {
  const keys = new SortedKeys()
  const names = Array.from({ length: 5000 }, (_, i) => String((i * 2711) % 5000).padStart(4, '0'))
  for (const name of names) keys.add(name)
  expect([...keys.from('', 'x')]).toEqual(names.toSorted())
  for (const name of names) if (Number(name) % 3 > 0) keys.delete(name)
  expect(keys.size).toBe(1667)
  expect(keys.count('1000', '2000')).toBe(333)
})

test('sort keys compare as UTF-8 bytes do', () => {
  const text = fc.string({ unit: 'binary', maxLength: 6 })
  fc.assert(
    fc.property(text, text, (a, b) => {
      const order = sortKey(a) < sortKey(b) ? -1 : sortKey(a) > sortKey(b) ? 1 : 0
      expect(order).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
  )
})

test('the range under a prefix holds what begins with it and nothing else', () => {
  const text = fc.string({ unit: 'binary', maxLength: 3 })
  const prefix = text.filter(value => value !== '' && !value.endsWith('\u{10ffff}'))
  fc.assert(
    fc.property(prefix, text, (under, key) => {
      const { start, end } = keysUnder(under)
      expect(sortKey(key) >= sortKey(start) && sortKey(key) < sortKey(end)).toBe(key.startsWith(under))
    }),
  )
})
