import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  labelSelectorText,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
  requirementsOf,
  requirementsText,
  SelectorError,
} from './selectors.ts'

test.each([
  ['app=web', { app: 'web' }, true],
  ['app==web', { app: 'api' }, false],
  ['app!=web', {}, true],
  ['app!=web', { app: 'web' }, false],
  ['tier in (a, b)', { tier: 'b' }, true],
  ['tier notin (a,b)', { tier: 'b' }, false],
  ['tier notin (a,b)', {}, true],
  ['app', { app: '' }, true],
  ['!app', { app: '' }, false],
  ['app=', { app: '' }, true],
  ['size>3', { size: '10' }, true],
  ['size<3', { size: 'x' }, false],
  ['app=web,!old,tier in (a)', { app: 'web', tier: 'a' }, true],
  ['', { any: 'thing' }, true],
  ['in in (in)', { in: 'in' }, true],
  ['constructor', {}, false],
])('%s on %o: %s', (text, labels, expected) => {
  expect(matchesLabels(parseLabelSelector(text), labels as Record<string, string>)).toBe(expected)
})

test.each(['app=web,', ',app', 'app in', 'app in (a', '=x', 'a b', 'size>big', '!', 'a,,b', 'app in a'])(
  '"%s" is refused',
  text => {
    expect(() => parseLabelSelector(text)).toThrow(SelectorError)
  },
)

test('a selector object is written as the Scale subresource shows it', () => {
  expect(labelSelectorText({ matchLabels: { app: 'web' } })).toBe('app=web')
  expect(
    labelSelectorText({
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'tier', operator: 'In', values: ['b', 'a'] }],
    }),
  ).toBe('app=web,tier in (a,b)')
})

test('an operator that does not exist is refused', () => {
  expect(() => requirementsOf({ matchExpressions: [{ key: 'a', operator: 'Near' }] })).toThrow(SelectorError)
})

test('the text of a selector reads back with the same meaning', () => {
  const word = fc.stringMatching(/^[a-z]{1,4}$/)
  const requirement = fc.record({
    key: word,
    operator: fc.constantFrom('In' as const, 'NotIn' as const, 'Exists' as const, 'DoesNotExist' as const),
    values: fc.array(word, { minLength: 1, maxLength: 3 }),
  })
  fc.assert(
    fc.property(fc.array(requirement, { maxLength: 4 }), fc.dictionary(word, word), (requirements, labels) => {
      const again = parseLabelSelector(requirementsText(requirements))
      expect(matchesLabels(again, labels)).toBe(matchesLabels(requirements, labels))
    }),
  )
})

test('field selectors compare by equality, with escapes', () => {
  const pod: Record<string, string> = { 'metadata.name': 'web-0', 'spec.nodeName': 'a,b=c' }
  const matches = (text: string): boolean => matchesFields(parseFieldSelector(text), field => pod[field])
  expect(matches('metadata.name=web-0,status.phase!=Running')).toBe(true)
  expect(matches('spec.nodeName==a\\,b\\=c')).toBe(true)
  expect(matches('metadata.name!=web-0')).toBe(false)
  expect(() => parseFieldSelector('metadata.name')).toThrow(SelectorError)
})
