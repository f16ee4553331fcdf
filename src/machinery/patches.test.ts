import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonValue } from './json.ts'
import { jsonPatched } from './json-patch.ts'
import { mergePatched } from './merge-patch.ts'

test.each<[JsonValue, JsonValue, JsonValue]>([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('merging %j with %j gives %j, as RFC 7386 has it', (target, patch, result) => {
  expect(mergePatched(target, patch)).toEqual(result)
})

test('a merge changes no prototype', () => {
  const patch = JSON.parse(
    '{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}',
  ) as JsonValue
  const merged = mergePatched({}, patch)
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  expect(JSON.parse(JSON.stringify(merged))).toEqual(patch)
})

test('merging twice is merging once', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
      const once = mergePatched(target as JsonValue, patch as JsonValue)
      expect(mergePatched(once, patch as JsonValue)).toEqual(once)
    }),
    { seed: 1, numRuns: 300 },
  )
})

test('a JSON patch works on a copy, all of it or nothing', () => {
  const document = { a: [1, 2], b: { c: 'x' } }
  const patch = [
    { op: 'test', path: '/b/c', value: 'x' },
    { op: 'add', path: '/a/-', value: 3 },
    { op: 'move', from: '/b/c', path: '/d' },
  ]
  expect(jsonPatched(document, patch)).toEqual({ a: [1, 2, 3], b: {}, d: 'x' })
  expect(document).toEqual({ a: [1, 2], b: { c: 'x' } })
})

test.each<[string, JsonValue, number]>([
  ['no list', { op: 'add' }, 400],
  ['an unknown operation', [{ op: 'frobnicate', path: '/a' }], 400],
  ['a path into a prototype', [{ op: 'add', path: '/__proto__/x', value: 1 }], 400],
  ['a path that is not there', [{ op: 'remove', path: '/nothing' }], 422],
  ['a test that fails', [{ op: 'test', path: '/a', value: 2 }], 422],
  ['a path into a text', [{ op: 'add', path: '/t/0', value: 1 }], 422],
])('%s is refused', (_, patch, code) => {
  expect(() => jsonPatched({ a: 1, t: 'text' }, patch)).toThrow(expect.objectContaining({ code }))
})
