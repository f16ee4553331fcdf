import { ControllerRevision, StatefulSet } from '../../api/apps-v1/types.ts'
import type { Kind } from '../../api/kind.ts'
import type { Client } from '../../client/client.ts'
import type { Lister } from '../../client/informer.ts'
import { keyOf } from '../../machinery/object.ts'
import type { Requirements } from '../../machinery/selectors.ts'
import { ensureMayAdopt } from '../claim.ts'
import type { Expectations } from '../expectations.ts'
import { adoptRevisions } from '../revisions/adopt-revisions.ts'
import { createRevision, renumberRevision } from '../revisions/create-revision.ts'
import { revisionDataOf } from '../revisions/revision-data.ts'
import { byAge, choiceFor, revisionsOf, surplusOf } from '../revisions/revision-history.ts'
import { isBeingDeleted } from './plan.ts'

/** The revisions of a set, after the live template has found its own among them. */
export interface SetHistory {
  /** Oldest first. */
  readonly revisions: readonly ControllerRevision[]
  readonly currentRevision: ControllerRevision
  readonly updateRevision: ControllerRevision
  readonly collisionCount: number
}

interface HistoryDependencies {
  readonly client: Client
  readonly revisions: Lister<ControllerRevision>
  readonly expectations: Expectations
}

/** Adopts orphans, then finds, renumbers or creates the revision of the live template (L8, H6–H8). */
export async function historyOf(
  dependencies: HistoryDependencies,
  set: StatefulSet,
  selector: Requirements,
): Promise<SetHistory> {
  const { client } = dependencies
  const found = revisionsOf(dependencies.revisions, set, selector)
  if (isBeingDeleted(set)) return lastHistoryOf(set, found)
  const known = await adoptRevisions(
    client,
    { owner: set, mayAdopt: () => ensureMayAdopt(client, StatefulSet as Kind, set) },
    found,
  )
  const { revision: updateRevision, collisionCount } = await updateRevisionOf(dependencies, set, known)
  const { name } = updateRevision.metadata
  const revisions = [...known.filter(({ metadata }) => metadata.name !== name), updateRevision].sort(byAge)
  const current = revisions.find(({ metadata }) => metadata.name === set.status?.currentRevision)
  return { revisions, currentRevision: current ?? updateRevision, updateRevision, collisionCount }
}

/**
 * While a set is being deleted the garbage collector takes its revisions away: making them again would go on for ever.
 * Status only needs their names (T12).
 */
function lastHistoryOf(set: StatefulSet, revisions: readonly ControllerRevision[]): SetHistory {
  const named = (name: string): ControllerRevision =>
    revisions.find(({ metadata }) => metadata.name === name) ?? {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: { ...set.metadata, name },
      revision: 0,
    }
  const { currentRevision = '', updateRevision = '', collisionCount = 0 } = set.status ?? {}
  return { revisions, currentRevision: named(currentRevision), updateRevision: named(updateRevision), collisionCount }
}

async function updateRevisionOf(
  { client, expectations }: HistoryDependencies,
  set: StatefulSet,
  known: readonly ControllerRevision[],
): Promise<{ readonly revision: ControllerRevision; readonly collisionCount: number }> {
  const collisionCount = set.status?.collisionCount ?? 0
  const data = revisionDataOf(set.spec.template)
  const choice = choiceFor(known, data)
  switch (choice.kind) {
    case 'newest':
      return { revision: choice.revision, collisionCount }
    case 'renumber': {
      const revision = await renumberRevision(client, choice.revision, choice.number)
      return { revision: expectations.wrote(keyOf(set), ControllerRevision, revision), collisionCount }
    }
    case 'create': {
      const templateLabels = set.spec.template.metadata?.labels
      const wanted = { owner: set, templateLabels, data, number: choice.number, collisionCount }
      const created = await createRevision(client, wanted)
      expectations.wrote(keyOf(set), ControllerRevision, created.revision)
      return created
    }
  }
}

/** Deletes the oldest revisions that nobody uses, down to the limit (H9). */
export async function truncateHistory(
  { expectations }: HistoryDependencies,
  set: StatefulSet,
  { history, usedNames }: { readonly history: SetHistory; readonly usedNames: readonly string[] },
): Promise<void> {
  if (isBeingDeleted(set)) return
  const { revisions, currentRevision, updateRevision } = history
  const liveNames = new Set([currentRevision.metadata.name, updateRevision.metadata.name, ...usedNames])
  const surplus = surplusOf(revisions, { liveNames, limit: set.spec.revisionHistoryLimit ?? 10 })
  for (const revision of surplus) await expectations.delete(keyOf(set), ControllerRevision, revision)
}
