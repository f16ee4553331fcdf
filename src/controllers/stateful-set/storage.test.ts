import { expect, test } from 'vitest'
import { dataTemplate, member, setOf } from './fixtures.ts'
import { claimNamesOf, hasStorage, newClaimsOf, withClaimVolumes, withStorage } from './storage.ts'

const set = setOf({
  selector: { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'Exists' }] },
  volumeClaimTemplates: [
    { ...dataTemplate, metadata: { name: 'data', labels: { app: 'other', mine: 'x' }, annotations: { note: 'y' } } },
    { metadata: { name: 'log' }, spec: { accessModes: ['ReadWriteOnce'] } },
  ],
})

test('S1: claims are named after template, set and ordinal', () => {
  expect(claimNamesOf(set, 2)).toEqual(['data-web-2', 'log-web-2'])
})

test('S2: a claim has the labels of its template under those of the selector, and its annotations', () => {
  const [claim] = newClaimsOf(set, 0)
  expect(claim!.metadata).toEqual({
    name: 'data-web-0',
    namespace: 'demo',
    labels: { app: 'web', mine: 'x' },
    annotations: { note: 'y' },
  })
  expect(claim!.spec).toEqual({ accessModes: ['ReadWriteOnce'] })
})

test('S6: every claim template becomes a volume that replaces one of its name; others are kept', () => {
  const volumes = withClaimVolumes(set, 1, [
    { name: 'data', emptyDir: {} },
    { name: 'home', emptyDir: {} },
  ])
  expect(volumes).toEqual([
    { name: 'data', persistentVolumeClaim: { claimName: 'data-web-1' } },
    { name: 'log', persistentVolumeClaim: { claimName: 'log-web-1' } },
    { name: 'home', emptyDir: {} },
  ])
})

test('S6, I9: a Pod that lacks the volume of a claim is repaired', () => {
  const pod = member(set, 1, 'a')
  expect(hasStorage(set, pod, 1)).toBe(false)
  expect(hasStorage(set, withStorage(set, pod, 1), 1)).toBe(true)
  expect(hasStorage(setOf(), pod, 1)).toBe(true)
})
