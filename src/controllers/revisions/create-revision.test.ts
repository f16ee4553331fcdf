import { expect, test } from 'vitest'
import type { ControllerRevision } from '../../api/apps-v1/types.ts'
import type { Client } from '../../client/client.ts'
import { alreadyExists } from '../../machinery/status.ts'
import { createRevision, type NewRevision } from './create-revision.ts'
import { revisionDataOf } from './revision-data.ts'
import { revisionHashOf } from './revision-hash.ts'

const data = revisionDataOf({ metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } })
const hash = (collisions: number) => revisionHashOf(data.text, collisions)

const wanted: NewRevision = {
  owner: {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: {
      name: 'web',
      uid: 'u1',
      resourceVersion: '1',
      creationTimestamp: '',
      annotations: { 'kubernetes.io/change-cause': 'first' },
    },
  },
  templateLabels: { app: 'web' },
  data,
  number: 3,
  collisionCount: 0,
}

/** A server that holds nothing but revisions. */
function serverWith(taken: Record<string, object>): Client {
  const objects = new Map(Object.entries(taken))
  return {
    async create(_kind: unknown, object: ControllerRevision) {
      const { name } = object.metadata
      if (objects.has(name)) throw alreadyExists({ group: 'apps', resource: 'controllerrevisions' }, name)
      objects.set(name, object)
      return object
    },
    find: async (_kind: unknown, { name }: { name: string }) => objects.get(name),
  } as unknown as Client
}

test('H4: a revision carries the template labels, its hash, the owner and the cause of the change', async () => {
  const { revision, collisionCount } = await createRevision(serverWith({}), wanted)
  expect(collisionCount).toBe(0)
  expect(revision.revision).toBe(3)
  expect(revision.metadata).toMatchObject({
    name: `web-${hash(0)}`,
    labels: { app: 'web', 'controller.kubernetes.io/hash': hash(0) },
    annotations: { 'kubernetes.io/change-cause': 'first' },
    ownerReferences: [{ kind: 'StatefulSet', name: 'web', uid: 'u1', controller: true, blockOwnerDeletion: true }],
  })
})

test('H7: a name taken by the same data is that revision', async () => {
  const there = { metadata: { name: `web-${hash(0)}` }, data: data.object, revision: 1 }
  const created = await createRevision(serverWith({ [`web-${hash(0)}`]: there }), wanted)
  expect(created).toEqual({ revision: there, collisionCount: 0 })
})

test('H7: a name taken by other data is hashed again, and the first hash stays in the label', async () => {
  const other = { data: { spec: {} } }
  const { revision, collisionCount } = await createRevision(
    serverWith({ [`web-${hash(0)}`]: other, [`web-${hash(1)}`]: other }),
    wanted,
  )
  expect(collisionCount).toBe(2)
  expect(revision.metadata.name).toBe(`web-${hash(2)}`)
  expect(revision.metadata.labels!['controller.kubernetes.io/hash']).toBe(hash(0))
})
