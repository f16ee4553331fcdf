import { ControllerRevision, DaemonSet } from '../../api/apps-v1/types.ts'
import type { Pod } from '../../api/core-v1/types.ts'
import type { Kind } from '../../api/kind.ts'
import type { Dependencies } from '../../client/controller.ts'
import { keyOf } from '../../machinery/object.ts'
import { requirementsOf } from '../../machinery/selectors.ts'
import { attemptAll } from '../attempt-all.ts'
import { ensureMayAdopt } from '../claim.ts'
import type { Expectations } from '../expectations.ts'
import { adoptRevisions } from '../revisions/adopt-revisions.ts'
import { createRevision, renumberRevision } from '../revisions/create-revision.ts'
import { revisionDataOf } from '../revisions/revision-data.ts'
import { choiceFor, revisionsOf, surplusOf } from '../revisions/revision-history.ts'
import { REVISION_LABEL } from './update-limits.ts'

export interface History {
  readonly current: ControllerRevision
  readonly all: readonly ControllerRevision[]
  readonly collisionCount: number | undefined
}

type HistoryDependencies = Dependencies & { readonly expectations: Expectations }

/** Finds, makes or revives the revision of the set's template. */
export async function currentHistory(
  set: DaemonSet,
  { client, informers, expectations }: HistoryDependencies,
): Promise<History> {
  const found = revisionsOf(informers.informer(ControllerRevision), set, requirementsOf(set.spec.selector))
  const mayAdopt = (): Promise<void> => ensureMayAdopt(client, DaemonSet as Kind, set)
  const all = await adoptRevisions(client, { owner: set, mayAdopt }, found)
  const data = revisionDataOf(set.spec.template)
  const choice = choiceFor(all, data)
  const { collisionCount } = set.status
  if (choice.kind === 'newest') return { current: choice.revision, all, collisionCount }
  if (choice.kind === 'renumber') {
    const current = await renumberRevision(client, choice.revision, choice.number)
    expectations.wrote(keyOf(set), ControllerRevision, current)
    return { current, all: [...all.filter(revision => revision !== choice.revision), current], collisionCount }
  }
  const templateLabels = set.spec.template.metadata?.labels
  const wanted = { owner: set, templateLabels, data, number: choice.number, collisionCount: collisionCount ?? 0 }
  const created = await createRevision(client, wanted)
  expectations.wrote(keyOf(set), ControllerRevision, created.revision)
  const isMore = created.collisionCount > (collisionCount ?? 0)
  return {
    current: created.revision,
    all: [...all, created.revision],
    collisionCount: isMore ? created.collisionCount : collisionCount,
  }
}

/** Pods bear the bare hash: what the revision's name has after the set's. */
export const hashOf = ({ metadata }: ControllerRevision): string =>
  metadata.name.slice(metadata.name.lastIndexOf('-') + 1)

/** Deletes the revisions above the limit that no Pod was made from, oldest first. */
export async function truncateHistory(
  set: DaemonSet,
  { current, all }: History,
  { pods, expectations }: { readonly pods: readonly Pod[]; readonly expectations: Expectations },
): Promise<void> {
  const used = new Set(pods.map(({ metadata }) => metadata.labels?.[REVISION_LABEL]))
  const live = all.filter(revision => revision === current || used.has(hashOf(revision)))
  const liveNames = new Set(live.map(({ metadata }) => metadata.name))
  const surplus = surplusOf(all, { liveNames, limit: set.spec.revisionHistoryLimit ?? 10 })
  await attemptAll(surplus.map(revision => () => expectations.delete(keyOf(set), ControllerRevision, revision)))
}
