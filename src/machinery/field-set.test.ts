import fc from 'fast-check'
import { expect, test } from 'vitest'
import { differenceOf, type FieldSet, fieldTexts, intersectionOf, isEmptySet, unionOf } from './field-set.ts'

const part = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:"1"')
const { set } = fc.letrec<{ set: FieldSet }>(tie => ({
  set: fc.dictionary(part, fc.oneof({ maxDepth: 3 }, fc.constant({}), tie('set')), { maxKeys: 3 }),
}))
const members = (fields: FieldSet): string[] => [...fieldTexts(fields)].sort()

test('sets of fields follow the laws of sets', () => {
  fc.assert(
    fc.property(set, set, (a, b) => {
      const inBoth = members(a).filter(member => members(b).includes(member))
      expect(members(intersectionOf(a, b))).toEqual(inBoth)
      expect(members(differenceOf(a, b))).toEqual(members(a).filter(member => !inBoth.includes(member)))
      expect(members(unionOf(a, b))).toEqual([...new Set([...members(a), ...members(b)])].sort())
      expect(isEmptySet(differenceOf(a, a))).toBe(true)
    }),
    { seed: 1, numRuns: 500 },
  )
})

test('fields are named as kubectl shows them', () => {
  const fields = {
    'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:image': {} } }, 'f:finalizers': { 'v:"x"': {} } },
  }
  expect(fieldTexts(fields)).toEqual([
    '.spec.containers[name="c"]',
    '.spec.containers[name="c"].image',
    '.spec.finalizers[="x"]',
  ])
})
