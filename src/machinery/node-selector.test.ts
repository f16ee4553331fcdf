import { expect, test } from 'vitest'
import type { Node, PodSpec } from '../api/core-v1/types.ts'
import { nodeSelectorMatcher, requiredNodesOf } from './node-selector.ts'

const node = (name: string, labels: Record<string, string>): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {},
  status: {},
})
const ssdInA = node('node1', { zone: 'a', disk: 'ssd', cores: '16' })
const hddInB = node('node2', { zone: 'b', disk: 'hdd', cores: '8' })

test('one of the terms must hold with all of its expressions', () => {
  const matches = nodeSelectorMatcher({
    nodeSelectorTerms: [
      {
        matchExpressions: [
          { key: 'zone', operator: 'In', values: ['b'] },
          { key: 'disk', operator: 'In', values: ['ssd'] },
        ],
      },
      { matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['10'] }] },
    ],
  })
  expect(matches(ssdInA)).toBe(true)
  expect(matches(hddInB)).toBe(false)
})

test('no term, or one without expressions, holds nowhere', () => {
  expect(nodeSelectorMatcher({ nodeSelectorTerms: [] })(ssdInA)).toBe(false)
  expect(nodeSelectorMatcher({ nodeSelectorTerms: [{}] })(ssdInA)).toBe(false)
})

test('fields name a machine', () => {
  const matchFields = [{ key: 'metadata.name', operator: 'In' as const, values: ['node2'] }]
  const matches = nodeSelectorMatcher({ nodeSelectorTerms: [{ matchFields }] })
  expect([matches(ssdInA), matches(hddInB)]).toEqual([false, true])
})

test('node selector and affinity of a Pod must both hold; without either every machine will do', () => {
  const containers: PodSpec['containers'] = []
  expect(requiredNodesOf({ containers })).toBeUndefined()
  const terms = [{ matchExpressions: [{ key: 'disk', operator: 'Exists' as const }] }]
  const affinity = {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
  }
  const matches = requiredNodesOf({ containers, nodeSelector: { zone: 'a' }, affinity })!
  expect([matches(ssdInA), matches(hddInB)]).toEqual([true, false])
})
