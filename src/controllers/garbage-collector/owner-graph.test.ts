import { expect, test } from 'vitest'
import { ReplicaSet } from '../../api/apps-v1/types.ts'
import { Pod } from '../../api/core-v1/types.ts'
import type { Kind } from '../../api/kind.ts'
import type { OwnerReference } from '../../api/meta-v1/types.ts'
import { FOREGROUND, type GraphNode, ORPHAN, OwnerGraph } from './owner-graph.ts'

const owner = (uid: string, more: Partial<GraphNode> = {}): GraphNode => nodeOf(ReplicaSet as Kind, uid, more)
const referenceTo = (uid: string, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: uid,
  uid,
  ...more,
})
const child = (uid: string, ...owners: OwnerReference[]): GraphNode => nodeOf(Pod as Kind, uid, { owners })
const nodeOf = (kind: Kind, uid: string, more: Partial<GraphNode>): GraphNode => ({
  uid,
  kind,
  key: { namespace: 'demo', name: uid },
  resourceVersion: '1',
  owners: [],
  finalizers: [],
  isTerminating: false,
  ...more,
})

test('a child of a known owner needs no look; one of an unknown owner sends a look at the owner', () => {
  const graph = new OwnerGraph()
  graph.put(owner('rs'))
  expect(graph.put(child('a', referenceTo('rs')))).toEqual([])
  expect(graph.put(child('b', referenceTo('nobody')))).toEqual(['nobody'])
})

test('a child that names a known uid by other words is looked at', () => {
  const graph = new OwnerGraph()
  graph.put(owner('rs'))
  expect(graph.put(child('a', referenceTo('rs', { name: 'other' })))).toEqual(['a'])
  expect(graph.put(child('b', referenceTo('rs', { kind: 'StatefulSet' })))).toEqual(['b'])
  expect(graph.put(child('c', referenceTo('rs', { apiVersion: 'apps/v1beta2' })))).toEqual([])
})

test('when an owner goes its children are looked at', () => {
  const graph = new OwnerGraph()
  graph.put(owner('rs'))
  graph.put(child('a', referenceTo('rs')))
  graph.put(child('b', referenceTo('rs')))
  expect(graph.remove('rs')).toEqual(['a', 'b'])
})

test('an owner that is deleted in the foreground is looked at then, and whenever a child goes or lets go', () => {
  const graph = new OwnerGraph()
  graph.put(owner('rs'))
  graph.put(child('a', referenceTo('rs')))
  graph.put(child('b', referenceTo('rs')))
  expect(graph.put(owner('rs', { isTerminating: true, finalizers: [FOREGROUND] }))).toEqual(['rs'])
  expect(graph.remove('a')).toEqual(['rs'])
  expect(graph.put(child('b'))).toEqual(['rs'])
})

test('an orphaning deletion is looked at once, not at every later change', () => {
  const graph = new OwnerGraph()
  const going = owner('rs', { isTerminating: true, finalizers: [ORPHAN] })
  graph.put(owner('rs'))
  expect(graph.put(going)).toEqual(['rs'])
  expect(graph.put({ ...going, resourceVersion: '2' })).toEqual([])
})
