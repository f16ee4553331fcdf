import { expect, test } from 'vitest'
import { ControllerRevision } from '../../api/apps-v1/types.ts'
import { ObjectCache } from '../../client/object-cache.ts'
import { requirementsOf } from '../../machinery/selectors.ts'
import { revisionDataOf } from './revision-data.ts'
import { choiceFor, revisionsOf, surplusOf } from './revision-history.ts'

const owner = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web', namespace: 'demo', uid: 'u1', resourceVersion: '1', creationTimestamp: '' },
}

const dataFor = (image: string) =>
  revisionDataOf({ metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } })

function revision(
  number: number,
  { image = `i${number}`, name = `web-${number}`, ownerUid = 'u1', createdAt = '2026-01-01T00:00:00Z' } = {},
): ControllerRevision {
  return {
    apiVersion: 'apps/v1',
    kind: ControllerRevision.kind as 'ControllerRevision',
    metadata: {
      name,
      namespace: 'demo',
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: createdAt,
      labels: { app: 'web' },
      ...(ownerUid && {
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: ownerUid, controller: true }],
      }),
    },
    data: dataFor(image).object,
    revision: number,
  }
}

test('H5, H11: lists own and orphaned revisions by number, time and name, and no others', () => {
  const cache = new ObjectCache<ControllerRevision>()
  const later = revision(2, { name: 'web-a', createdAt: '2026-01-02T00:00:00Z' })
  for (const one of [later, revision(2, { name: 'web-z' }), revision(2, { name: 'web-y', ownerUid: '' })])
    cache.put(one)
  for (const one of [revision(1), revision(3, { ownerUid: 'somebody-else' })]) cache.put(one)
  const found = revisionsOf(cache, owner, requirementsOf({ matchLabels: { app: 'web' } }))
  expect(found.map(({ metadata }) => metadata.name)).toEqual(['web-1', 'web-y', 'web-z', 'web-a'])
})

test('H6: the newest revision is taken when it says the same', () => {
  const revisions = [revision(1), revision(2)]
  expect(choiceFor(revisions, dataFor('i2'))).toEqual({ kind: 'newest', revision: revisions[1] })
})

test('H6, U16: an older template gives its revision the highest number', () => {
  const revisions = [revision(1), revision(2), revision(5)]
  expect(choiceFor(revisions, dataFor('i1'))).toEqual({ kind: 'renumber', revision: revisions[0], number: 6 })
})

test('H6: of several equal older revisions the last is taken', () => {
  const revisions = [revision(1), revision(2, { image: 'i1' }), revision(3)]
  expect(choiceFor(revisions, dataFor('i1'))).toMatchObject({ kind: 'renumber', revision: revisions[1] })
})

test('H4, H6: a new template makes a new revision, numbered one above the highest', () => {
  expect(choiceFor([revision(1), revision(7)], dataFor('new'))).toEqual({ kind: 'create', number: 8 })
  expect(choiceFor([], dataFor('new'))).toEqual({ kind: 'create', number: 1 })
})

test('H9: the oldest unused revisions go, live ones are not counted', () => {
  const revisions = [1, 2, 3, 4, 5].map(number => revision(number))
  const surplus = (limit: number, live: string[]) =>
    surplusOf(revisions, { liveNames: new Set(live), limit }).map(({ revision: number }) => number)
  expect(surplus(2, ['web-1', 'web-5'])).toEqual([2])
  expect(surplus(0, ['web-5'])).toEqual([1, 2, 3, 4])
  expect(surplus(10, [])).toEqual([])
  expect(surplus(-1, [])).toEqual([])
})
