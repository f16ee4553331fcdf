import type { ControllerRevision } from '../../api/apps-v1/types.ts'
import type { PodTemplateSpec } from '../../api/core-v1/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { canonicalJsonOf } from './canonical-json.ts'
import { canonicalTemplateOf } from './canonical-template.ts'

/** What a ControllerRevision records of its owner. */
export interface RevisionData {
  /** The bytes that are hashed and compared. */
  readonly text: string
  readonly object: JsonObject
}

/** A strategic merge patch that puts the template back: the form that `kubectl rollout undo` sends unread (H1, K5). */
export function revisionDataOf(template: PodTemplateSpec): RevisionData {
  const object = { spec: { template: { $patch: 'replace', ...canonicalTemplateOf(template) } } }
  return { text: canonicalJsonOf(object), object }
}

/** The template that a revision recorded. */
export function templateOf({ data }: Pick<ControllerRevision, 'data'>): PodTemplateSpec {
  const { spec } = (data ?? {}) as { spec?: { template?: JsonObject } }
  const { $patch: _directive, ...template } = spec?.template ?? {}
  return template as PodTemplateSpec
}

/** The bytes of a stored revision, whatever order of keys it came back in. */
export const dataTextOf = ({ data }: Pick<ControllerRevision, 'data'>): string =>
  canonicalJsonOf((data ?? {}) as JsonObject)

/**
 * Whether a revision says the same as this data: byte for byte, or after writing its template anew. The second keeps
 * an upgrade of the API from replacing Pods (H6, kubernetes/kubernetes#135017).
 */
export const saysTheSame = (revision: ControllerRevision, data: RevisionData): boolean =>
  dataTextOf(revision) === data.text || revisionDataOf(templateOf(revision)).text === data.text
