import { expect, test } from 'vitest'
import { BodyError } from './json-text.ts'
import { decodeYaml } from './yaml-text.ts'

test('a document becomes the JSON that it stands for', () => {
  const { value, duplicateFields } = decodeYaml('a: 1\nb: [x, {c: "yes"}]\nd: null\nd: 2\n')
  expect(value).toEqual({ a: 1, b: ['x', { c: 'yes' }], d: 2 })
  expect(duplicateFields).toEqual(['d'])
})

test.each([
  ['two documents', 'a: 1\n---\nb: 2\n'],
  ['broken syntax', 'a: [1\n'],
  ['deep nesting', `a: ${'['.repeat(2000)}${']'.repeat(2000)}`],
  [
    'a billion laughs',
    `a: &a [x,x]\n${'bcdefghij'
      .split('')
      .map((n, i) => `${n}: &${n} [${Array(10).fill(`*${'abcdefghi'[i]}`)}]`)
      .join('\n')}`,
  ],
  ['a prototype key', '__proto__: {a: 1}'],
])('%s is refused', (_, text) => {
  expect(() => decodeYaml(text)).toThrow(BodyError)
})
