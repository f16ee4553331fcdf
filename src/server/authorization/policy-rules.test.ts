import { expect, test } from 'vitest'
import { compactRules, ruleAllows, ruleText, uncoveredRules } from './policy-rules.ts'

const asked = {
  isResource: true,
  user: { name: 'u', groups: [] },
  group: '',
  version: 'v1',
  namespace: 'n',
  name: 'web-0',
} as const

test.each([
  [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }, { verb: 'get', resource: 'pods', subresource: '' }, true],
  [
    { verbs: ['get'], apiGroups: [''], resources: ['pods'] },
    { verb: 'get', resource: 'pods', subresource: 'log' },
    false,
  ],
  [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verb: 'delete', resource: 'pods', subresource: 'exec' },
    true,
  ],
  [
    { verbs: ['get'], apiGroups: [''], resources: ['*/log'] },
    { verb: 'get', resource: 'pods', subresource: 'log' },
    true,
  ],
  [
    { verbs: ['get'], apiGroups: ['apps'], resources: ['pods'] },
    { verb: 'get', resource: 'pods', subresource: '' },
    false,
  ],
  [
    { verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['web-0'] },
    { verb: 'get', resource: 'pods', subresource: '' },
    true,
  ],
  [
    { verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['web-1'] },
    { verb: 'get', resource: 'pods', subresource: '' },
    false,
  ],
])('%j for %j: %s', (rule, attributes, allowed) => {
  expect(ruleAllows(rule, { ...asked, ...attributes })).toBe(allowed)
})

test('paths match as a whole or by a prefix with a star', () => {
  const rule = { verbs: ['get'], nonResourceURLs: ['/healthz', '/api/*'] }
  const allows = (path: string) => ruleAllows(rule, { isResource: false, user: asked.user, verb: 'get', path })
  expect(['/healthz', '/healthz/x', '/api/v1', '/apis'].map(allows)).toEqual([true, false, true, false])
})

test('what is not covered is told shortly', () => {
  const wanted = [{ verbs: ['get', 'delete'], apiGroups: [''], resources: ['pods', 'secrets'] }]
  const owned = [{ verbs: ['*'], apiGroups: [''], resources: ['pods'] }]
  expect(compactRules(uncoveredRules(owned, wanted)).map(ruleText)).toEqual([
    '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}',
  ])
})
