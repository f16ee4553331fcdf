import type { ControllerRevision } from '../../api/apps-v1/types.ts'
import type { KubernetesObject } from '../../api/kind.ts'
import type { Lister } from '../../client/informer.ts'
import { controllerOf } from '../../machinery/object.ts'
import type { Requirements } from '../../machinery/selectors.ts'
import { type RevisionData, saysTheSame } from './revision-data.ts'

/** The revisions of an owner and the orphans that its selector matches, oldest first (H5). */
export function revisionsOf(
  revisions: Lister<ControllerRevision>,
  owner: KubernetesObject,
  selector: Requirements,
): readonly ControllerRevision[] {
  const { namespace } = owner.metadata
  const matching = revisions.list({ ...(namespace && { namespace }), labels: selector })
  return matching.filter(revision => belongsTo(revision, owner)).sort(byAge)
}

/** No other controller owns it. */
function belongsTo(revision: ControllerRevision, owner: KubernetesObject): boolean {
  const controller = controllerOf(revision)
  return !controller || controller.uid === owner.metadata.uid
}

/** By number, then by time of creation, then by name. */
export function byAge(a: ControllerRevision, b: ControllerRevision): number {
  return (
    a.revision - b.revision ||
    compareTexts(a.metadata.creationTimestamp, b.metadata.creationTimestamp) ||
    compareTexts(a.metadata.name, b.metadata.name)
  )
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** One more than the highest number; the first revision is 1. */
const nextNumberOf = (revisions: readonly ControllerRevision[]): number =>
  Math.max(0, ...revisions.map(({ revision }) => revision)) + 1

/** What the live template asks of the history. */
export type RevisionChoice =
  | { readonly kind: 'newest'; readonly revision: ControllerRevision }
  /** An older template is back: its revision gets the next number and keeps its name. */
  | { readonly kind: 'renumber'; readonly revision: ControllerRevision; readonly number: number }
  | { readonly kind: 'create'; readonly number: number }

/** Decides which revision the live template is (H6). `revisions` come oldest first. */
export function choiceFor(revisions: readonly ControllerRevision[], data: RevisionData): RevisionChoice {
  const equal = revisions.findLast(revision => saysTheSame(revision, data))
  if (!equal) return { kind: 'create', number: nextNumberOf(revisions) }
  if (equal === revisions.at(-1)) return { kind: 'newest', revision: equal }
  return { kind: 'renumber', revision: equal, number: nextNumberOf(revisions) }
}

/**
 * The revisions that may go (H9): those that nobody uses, lowest number first, until at most `limit` unused ones are
 * left. A negative limit keeps all.
 */
export function surplusOf(
  revisions: readonly ControllerRevision[],
  { liveNames, limit }: { readonly liveNames: ReadonlySet<string>; readonly limit: number },
): readonly ControllerRevision[] {
  if (limit < 0) return []
  const unused = revisions.filter(({ metadata }) => !liveNames.has(metadata.name))
  return unused.slice(0, Math.max(0, unused.length - limit))
}
