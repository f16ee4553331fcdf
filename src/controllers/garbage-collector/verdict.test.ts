import { expect, test } from 'vitest'
import { ConfigMap } from '../../api/core-v1/types.ts'
import type { Kind } from '../../api/kind.ts'
import type { OwnerReference } from '../../api/meta-v1/types.ts'
import { FOREGROUND, type GraphNode, ORPHAN } from './owner-graph.ts'
import { blockingDependents, type OwnerState, verdictOf } from './verdict.ts'

const reference = (uid: string, blockOwnerDeletion = true): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: uid,
  uid,
  blockOwnerDeletion,
})
const nodeOf = (uid: string, more: Partial<GraphNode> = {}): GraphNode => ({
  uid,
  kind: ConfigMap as Kind,
  key: { namespace: 'demo', name: uid },
  resourceVersion: '1',
  owners: [],
  finalizers: [],
  isTerminating: false,
  ...more,
})
const judge = (states: Record<string, OwnerState>, dependents: readonly GraphNode[] = [], finalizers: string[] = []) =>
  verdictOf(nodeOf('x', { owners: Object.keys(states).map(uid => reference(uid)), finalizers }), {
    stateOf: ({ uid }) => states[uid]!,
    dependents,
  })

test('an object whose owners all stand is kept', () => {
  expect(judge({ a: 'solid', b: 'solid' })).toEqual({ type: 'keep' })
  expect(judge({ a: 'unresolvable' })).toEqual({ type: 'keep' })
})

test('an object with one owner left loses the references to those that are gone or going', () => {
  expect(judge({ a: 'solid', b: 'dangling', c: 'waiting' })).toEqual({ type: 'setOwners', owners: [reference('a')] })
})

test('an object without any owner left is deleted, in the way that was asked for before', () => {
  expect(judge({ a: 'dangling' })).toEqual({ type: 'delete', propagationPolicy: 'Background' })
  expect(judge({ a: 'dangling' }, [], [ORPHAN])).toEqual({ type: 'delete', propagationPolicy: 'Orphan' })
  expect(judge({ a: 'dangling' }, [], [FOREGROUND])).toEqual({ type: 'delete', propagationPolicy: 'Foreground' })
})

test('below an owner that waits, an object with dependents waits for its own too', () => {
  expect(judge({ a: 'waiting' })).toEqual({ type: 'delete', propagationPolicy: 'Background' })
  expect(judge({ a: 'waiting' }, [nodeOf('y')])).toEqual({ type: 'delete', propagationPolicy: 'Foreground' })
})

test('in a cycle of foreground deletions the object stops blocking its owners', () => {
  const waiting = nodeOf('a', { isTerminating: true, finalizers: [FOREGROUND] })
  expect(judge({ a: 'waiting' }, [waiting])).toEqual({
    type: 'delete',
    propagationPolicy: 'Foreground',
    owners: [reference('a', false)],
  })
})

test('only dependents that say so block the deletion of their owner', () => {
  const owner = nodeOf('o')
  const blocking = nodeOf('b', { owners: [reference('o')] })
  const free = nodeOf('f', { owners: [reference('o', false)] })
  expect(blockingDependents(owner, [blocking, free])).toEqual([blocking])
})
