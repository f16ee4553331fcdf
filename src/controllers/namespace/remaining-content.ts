import type { Namespace, NamespaceCondition } from '../../api/core-v1/types.ts'
import type { Kind, KubernetesObject } from '../../api/kind.ts'
import { timeText } from '../../machinery/time.ts'
import { messageOf } from '../attempt-all.ts'

/** What one look at a namespace found of one kind. */
export interface Remaining {
  readonly kind: Kind
  readonly objects: readonly KubernetesObject[]
}

export interface Survey {
  readonly remaining: readonly Remaining[]
  /** What kept content from being deleted. */
  readonly failures: readonly unknown[]
}

export const isEmpty = ({ remaining, failures }: Survey): boolean =>
  failures.length === 0 && remaining.every(({ objects }) => objects.length === 0)

/** The conditions that say what holds a namespace which is being deleted, in the words that clients know. */
export function conditionsOf(
  namespace: Namespace,
  { remaining, failures }: Survey,
  now: Date,
): readonly NamespaceCondition[] {
  const counts = remaining
    .filter(({ objects }) => objects.length > 0)
    .map(({ kind, objects }) => `${kind.plural}.${kind.group} has ${objects.length} resource instances`)
    .sort()
  const finalizers = [...finalizerCountsOf(remaining)]
    .map(([name, count]) => `${name} in ${count} resource instances`)
    .sort()
  const wanted: readonly NamespaceCondition[] = [
    {
      type: 'NamespaceDeletionDiscoveryFailure',
      status: 'False',
      reason: 'ResourcesDiscovered',
      message: 'All resources successfully discovered',
    },
    {
      type: 'NamespaceDeletionGroupVersionParsingFailure',
      status: 'False',
      reason: 'ParsedGroupVersions',
      message: 'All legacy kube types successfully parsed',
    },
    failures.length > 0
      ? {
          type: 'NamespaceDeletionContentFailure',
          status: 'True',
          reason: 'ContentDeletionFailed',
          message: `Failed to delete all resource types, ${failures.length} remaining: ${failures.map(messageOf).join(', ')}`,
        }
      : {
          type: 'NamespaceDeletionContentFailure',
          status: 'False',
          reason: 'ContentDeleted',
          message: 'All content successfully deleted, may be waiting on finalization',
        },
    counts.length > 0
      ? {
          type: 'NamespaceContentRemaining',
          status: 'True',
          reason: 'SomeResourcesRemain',
          message: `Some resources are remaining: ${counts.join(', ')}`,
        }
      : {
          type: 'NamespaceContentRemaining',
          status: 'False',
          reason: 'ContentRemoved',
          message: 'All content successfully removed',
        },
    finalizers.length > 0
      ? {
          type: 'NamespaceFinalizersRemaining',
          status: 'True',
          reason: 'SomeFinalizersRemain',
          message: `Some content in the namespace has finalizers remaining: ${finalizers.join(', ')}`,
        }
      : {
          type: 'NamespaceFinalizersRemaining',
          status: 'False',
          reason: 'ContentHasNoFinalizers',
          message: 'All content-preserving finalizers finished',
        },
  ]
  return wanted.map(condition => withTransitionTime(condition, namespace, now))
}

function finalizerCountsOf(remaining: readonly Remaining[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { metadata } of remaining.flatMap(({ objects }) => objects)) {
    for (const finalizer of metadata.finalizers ?? []) counts.set(finalizer, (counts.get(finalizer) ?? 0) + 1)
  }
  return counts
}

function withTransitionTime(condition: NamespaceCondition, namespace: Namespace, now: Date): NamespaceCondition {
  const previous = namespace.status.conditions?.find(({ type }) => type === condition.type)
  const isUnchanged = previous?.status === condition.status && previous.lastTransitionTime !== undefined
  return { ...condition, lastTransitionTime: isUnchanged ? previous.lastTransitionTime! : timeText(now) }
}
