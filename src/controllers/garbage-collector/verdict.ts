import type { OwnerReference } from '../../api/meta-v1/types.ts'
import type { DeleteOptions } from '../../client/client.ts'
import { awaitsDependents, FOREGROUND, type GraphNode, ORPHAN } from './owner-graph.ts'

/** What an owner reference turned out to mean. `unresolvable`: nobody can tell, so it holds like a solid one. */
export type OwnerState = 'solid' | 'dangling' | 'waiting' | 'unresolvable'

export type Verdict =
  | { readonly type: 'keep' }
  | { readonly type: 'setOwners'; readonly owners: readonly OwnerReference[] }
  | {
      readonly type: 'delete'
      readonly propagationPolicy: NonNullable<DeleteOptions['propagationPolicy']>
      /** Owners to write first, so that a cycle of foreground deletions does not wait for itself. */
      readonly owners?: readonly OwnerReference[]
    }

/**
 * What becomes of an object that is not being deleted, by what its owners are. It goes when none of them holds it;
 * with one that does, it only loses the references that mean nothing any more.
 */
export function verdictOf(
  node: GraphNode,
  { stateOf, dependents }: { stateOf: (reference: OwnerReference) => OwnerState; dependents: readonly GraphNode[] },
): Verdict {
  const states = node.owners.map(owner => ({ owner, state: stateOf(owner) }))
  const holding = states.filter(({ state }) => state === 'solid' || state === 'unresolvable')
  if (holding.length === states.length) return { type: 'keep' }
  if (holding.length > 0) return { type: 'setOwners', owners: holding.map(({ owner }) => owner) }
  const isAwaited = states.some(({ state }) => state === 'waiting')
  if (isAwaited && dependents.length > 0) {
    const isCycle = dependents.some(awaitsDependents)
    const unblocked = node.owners.map(owner => ({ ...owner, blockOwnerDeletion: false }))
    return { type: 'delete', propagationPolicy: 'Foreground', ...(isCycle && { owners: unblocked }) }
  }
  return { type: 'delete', propagationPolicy: policyOf(node) }
}

/** The policy that someone already asked for by a finalizer stays. */
function policyOf({ finalizers }: GraphNode): 'Orphan' | 'Foreground' | 'Background' {
  if (finalizers.includes(ORPHAN)) return 'Orphan'
  return finalizers.includes(FOREGROUND) ? 'Foreground' : 'Background'
}

/** The dependents that an owner deleted in the foreground has to wait for. */
export const blockingDependents = (owner: GraphNode, dependents: readonly GraphNode[]): readonly GraphNode[] =>
  dependents.filter(({ owners }) =>
    owners.some(({ uid, blockOwnerDeletion }) => uid === owner.uid && blockOwnerDeletion),
  )
