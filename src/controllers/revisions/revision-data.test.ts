import { expect, test } from 'vitest'
import type { ControllerRevision } from '../../api/apps-v1/types.ts'
import type { PodTemplateSpec } from '../../api/core-v1/types.ts'
import { canonicalJsonOf } from './canonical-json.ts'
import { revisionDataOf, saysTheSame, templateOf } from './revision-data.ts'

const templateWith = (container: object, spec: object = {}): PodTemplateSpec =>
  ({
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'i', ...container }], ...spec },
  }) as PodTemplateSpec

const stored = (data: object): ControllerRevision => ({ data, revision: 1 }) as unknown as ControllerRevision

test('keys are sorted by code point, also those that look like numbers', () => {
  expect(canonicalJsonOf({ b: 1, 9: 2, 10: 3, B: [true, null] })).toBe('{"10":3,"9":2,"B":[true,null],"b":1}')
  expect(canonicalJsonOf({ '\u{1F600}': 1, '\uFF00': 2 })).toBe('{"\uFF00":2,"\u{1F600}":1}')
})

test('characters that Go escapes for HTML are escaped', () => {
  expect(canonicalJsonOf({ a: '<&>\u2028' })).toBe('{"a":"\\u003c\\u0026\\u003e\\u2028"}')
})

test.each([
  ['a null', { env: null }],
  ['an empty list', { args: [] }],
  ['a false flag', { tty: false, stdin: false }],
  ['an empty map', { resources: { limits: {} } }],
  ['missing resources', { resources: {} }],
])('H1: %s is recorded as if it were not there', (_what, container) => {
  expect(revisionDataOf(templateWith(container)).text).toBe(revisionDataOf(templateWith({})).text)
})

test('H1: an empty value that stands behind a pointer is kept', () => {
  const template = templateWith(
    { securityContext: { privileged: false, runAsUser: 0 } },
    { volumes: [{ name: 'v', emptyDir: {} }] },
  )
  expect(revisionDataOf(template).text).toContain('"securityContext":{"privileged":false,"runAsUser":0}')
  expect(revisionDataOf(template).text).toContain('"emptyDir":{}')
})

test('H1: quantities are recorded in their shortest form', () => {
  const template = templateWith({ resources: { requests: { cpu: '1000m', memory: '1024Mi' } } })
  expect(revisionDataOf(template).text).toContain('"requests":{"cpu":"1","memory":"1Gi"}')
})

test('H6, #135017: a revision written by an older API version with a null timestamp says the same', () => {
  const template = templateWith({})
  const data = revisionDataOf(template)
  const older = stored({
    spec: {
      template: { $patch: 'replace', ...template, metadata: { creationTimestamp: null, labels: { app: 'web' } } },
    },
  })
  expect(saysTheSame(older, data)).toBe(true)
  expect(saysTheSame(older, revisionDataOf(templateWith({ image: 'other' })))).toBe(false)
})

test('a recorded quantity that is none is kept as it is', () => {
  const template = templateWith({ resources: { limits: { cpu: 'lots' } } })
  expect(revisionDataOf(template).text).toContain('"limits":{"cpu":"lots"}')
})

test('H1: the template comes back out of its revision without the patch directive', () => {
  const template = templateWith({})
  const revision = stored(revisionDataOf(template).object)
  expect(templateOf(revision)).toEqual(templateWith({ resources: {} }))
})
