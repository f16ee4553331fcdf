import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { CustomResourceDefinition } from '../api/apiextensions-v1/types.ts'
import { metaOf } from './fixtures.ts'
import { BUILT_IN_KINDS, customKindsOf } from './served-kinds.ts'

test('every kind of the interface data that is stored is known', () => {
  const resources: { group: string; kind: string }[] = JSON.parse(
    readFileSync('data/kubernetes-resources.json', 'utf8'),
  )
  const isAnswer = ({ group, kind }: { group: string; kind: string }): boolean =>
    /^(authentication|authorization)\./.test(group) || kind === 'Binding' || kind === 'APIService'
  const known = new Set(BUILT_IN_KINDS.map(({ group, kind }) => `${group}/${kind}`))
  const missing = resources.filter(resource => !isAnswer(resource) && !known.has(`${resource.group}/${resource.kind}`))
  expect(missing).toEqual([])
})

test('a definition adds its kind once it is established', () => {
  const version = { name: 'v1', served: true, storage: true }
  const definition: CustomResourceDefinition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: metaOf('widgets.example.com'),
    spec: {
      group: 'example.com',
      names: { kind: 'Widget', plural: 'widgets' },
      scope: 'Namespaced',
      versions: [{ ...version, name: 'v1alpha1', storage: false }, version],
    },
    status: {},
  }
  expect(customKindsOf(definition)).toEqual([])
  const established = { ...definition, status: { conditions: [{ type: 'Established', status: 'True' }] } }
  expect(customKindsOf(established).map(({ apiVersion, plural }) => `${apiVersion} ${plural}`)).toEqual([
    'example.com/v1 widgets',
    'example.com/v1alpha1 widgets',
  ])
})
