import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BODY_DEPTH_MAX, BodyError, decodeJson } from './json-text.ts'

test.each([
  ['{"a":1,"a":2}', ['a']],
  ['{"spec":{"x":[{"b":1},{"b":1,"c":{"d":1,"d":2}}]}}', ['spec.x[1].c.d']],
  ['{"a\\"b":1,"a\\"b":2}', ['a"b']],
  ['{"a":{"a":1},"b":"{\\"a\\":1,\\"a\\":2}"}', []],
])('members named twice in %s are %j', (text, duplicates) => {
  expect(decodeJson(text).duplicateFields).toEqual(duplicates)
})

test('what JSON can say is read as it is, without duplicates', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), value => {
      const text = JSON.stringify(value)
      fc.pre(!text.includes('__proto__'))
      expect(decodeJson(text)).toEqual({ value: JSON.parse(text), duplicateFields: [] })
    }),
  )
})

test('nonsense is refused, never thrown through', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\u0a 1te') }), text => {
      try {
        decodeJson(text)
      } catch (error) {
        expect(error).toBeInstanceOf(BodyError)
      }
    }),
  )
})

test('nesting is bounded', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
  expect(() => decodeJson(nested(BODY_DEPTH_MAX))).not.toThrow()
  expect(() => decodeJson(nested(BODY_DEPTH_MAX + 1))).toThrow(BodyError)
})
