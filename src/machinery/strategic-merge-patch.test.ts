import { expect, test } from 'vitest'
import { BuiltInSchemas } from '../registry/schema/built-in-schemas.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { strategicMergePatched } from './strategic-merge-patch.ts'

const schemas = new BuiltInSchemas()
const podSpec = schemas.find('io.k8s.api.core.v1.PodSpec')
const meta = schemas.find('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta')
const deployment = schemas.find('io.k8s.api.apps.v1.DeploymentSpec')
const patched = (target: JsonObject, patch: JsonValue, schema = podSpec): JsonObject =>
  strategicMergePatched(schema, target, patch)
const names = (spec: JsonObject, field = 'containers'): string[] =>
  (spec[field] as { name: string }[]).map(({ name }) => name)

const two = {
  containers: [
    { name: 'a', image: '1', env: [{ name: 'X', value: '1' }] },
    { name: 'b', image: '1' },
  ],
}

test('items of a keyed list merge by their key', () => {
  expect(patched(two, { containers: [{ name: 'b', image: '2' }] })).toEqual({
    containers: [two.containers[0], { name: 'b', image: '2' }],
  })
})

test('nested keyed lists merge too, and null removes a field', () => {
  const patch = { containers: [{ name: 'a', image: null, env: [{ name: 'Y', value: '2' }] }] }
  expect(patched(two, patch).containers).toEqual([
    {
      name: 'a',
      env: [
        { name: 'Y', value: '2' },
        { name: 'X', value: '1' },
      ],
    },
    two.containers[1],
  ])
})

test('a new item stands before those that the patch does not name', () => {
  expect(names(patched(two, { containers: [{ name: 'new', image: '1' }] }))).toEqual(['new', 'a', 'b'])
})

test('$patch: delete removes an item, $patch: replace the whole list', () => {
  expect(names(patched(two, { containers: [{ name: 'a', $patch: 'delete' }] }))).toEqual(['b'])
  expect(names(patched(two, { containers: [{ $patch: 'replace' }, { name: 'c' }] }))).toEqual(['c'])
})

test('$setElementOrder orders what it names', () => {
  const patch = {
    '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }],
    containers: [{ name: 'a', image: '9' }],
  }
  expect(names(patched(two, patch))).toEqual(['b', 'a'])
  expect(names(patched(two, { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] }))).toEqual(['b', 'a'])
})

test('$retainKeys drops what it does not name', () => {
  const target = { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } }
  const patch = { strategy: { $retainKeys: ['type'], type: 'Recreate' } }
  expect(patched(target, patch, deployment)).toEqual({ strategy: { type: 'Recreate' } })
})

test('lists of plain values merge as sets, and lose what $deleteFromPrimitiveList names', () => {
  const target = { finalizers: ['a', 'b'] }
  expect(patched(target, { finalizers: ['c'] }, meta)).toEqual({ finalizers: ['c', 'a', 'b'] })
  expect(patched(target, { '$deleteFromPrimitiveList/finalizers': ['a'] }, meta)).toEqual({ finalizers: ['b'] })
})

test('$patch: replace and delete work on objects', () => {
  const target = { securityContext: { runAsUser: 1, fsGroup: 2 } }
  expect(patched(target, { securityContext: { $patch: 'replace', fsGroup: 3 } })).toEqual({
    securityContext: { fsGroup: 3 },
  })
  expect(patched(target, { securityContext: { $patch: 'delete' } })).toEqual({ securityContext: {} })
})

test('lists without a merge strategy are replaced', () => {
  const target = { tolerations: [{ key: 'a' }] }
  expect(patched(target, { tolerations: [{ key: 'b' }] })).toEqual({ tolerations: [{ key: 'b' }] })
})

test('an item without its merge key is refused', () => {
  expect(() => patched(two, { containers: [{ image: '2' }] })).toThrow('does not contain declared merge key: name')
  expect(() => patched(two, { securityContext: { $patch: 'invert' } })).toThrow('Unknown patch type: "invert"')
})

test('the target is never changed', () => {
  const before = structuredClone(two)
  patched(two, { containers: [{ name: 'a', image: '5', env: [{ name: 'X', $patch: 'delete' }] }] })
  expect(two).toEqual(before)
})
