import type { Kind, KubernetesObject } from '../api/kind.ts'
import type { ApiCall } from '../machinery/api-call.ts'
import type { FeatureGate } from '../machinery/feature-gates.ts'
import type { FieldError } from '../machinery/field-error.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { Draft } from './draft.ts'
import type { CallContext, Encoded, UserInfo } from './resource.ts'
import type { ServedKind } from './served-kind.ts'
import type { TableColumn } from './tables/table-column.ts'
import type { WriteEnvironment, WriteScope } from './write/write-environment.ts'

/** What a rule may know besides the object. */
export interface RuleContext {
  readonly now: Date
  /** Who writes. */
  readonly user: UserInfo
  /** The endpoint that is written, if it is not the object itself. */
  readonly subresource?: string
  isEnabled(featureGate: FeatureGate): boolean
}

/** What a write took for its object. */
export interface Reservation {
  settle(committed: boolean): Promise<void>
}

/** Answers one subresource. */
export type SubresourceHandler = (
  kind: ServedKind,
  call: ApiCall,
  scope: { readonly context: CallContext; readonly environment: WriteEnvironment },
) => Promise<Encoded>

/**
 * What makes a kind differ from every other: data and pure functions. Everything is optional; the generic resource
 * does the rest. Drafts are private copies, changed in place; all other objects are shared.
 */
export interface KindDifferences<T = JsonObject> {
  /** Fills in what the client left out. Runs on every write, so it must change nothing when run again. */
  defaults?(object: Draft<T>, context: RuleContext): void
  /** Drops and sets what clients may not decide. Status is already gone. */
  prepareForCreate?(object: Draft<T>, context: RuleContext): void
  /** As above; status is already that of `old`. */
  prepareForUpdate?(object: Draft<T>, old: T, context: RuleContext): void
  /** On the status subresource; spec and labels are already those of `old`. */
  prepareForStatusUpdate?(object: Draft<T>, old: T, context: RuleContext): void
  /**
   * Takes what only one object may have (addresses, ports) and writes it into the draft. `settle` gives back what is
   * not needed in the end: all that was taken if the write failed, what the old object had and the new one does not.
   */
  reserve?(object: Draft<T>, old: T | undefined, scope: WriteScope): Promise<Reservation>
  /** Gives back what a removed object had. */
  release?(object: T, scope: WriteScope): Promise<void>
  /** Paths of enumerations of which the kind's own rules say what is allowed, as `spec.updateStrategy.type`. */
  readonly ownEnumerations?: readonly string[]
  /** Rules that hold on create and update. */
  validate?(object: T, context: RuleContext): readonly FieldError[]
  validateCreate?(object: T, context: RuleContext): readonly FieldError[]
  validateUpdate?(object: T, old: T, context: RuleContext): readonly FieldError[]
  validateStatusUpdate?(object: T, old: T): readonly FieldError[]
  /** Advice that goes out as Warning headers. */
  warnings?(object: T, old?: T): readonly string[]
  /** Goes out as a Warning with every answer about this kind. */
  readonly deprecation?: string
  /** What is wrong with a name. Default: the rules of DNS subdomains. */
  nameProblems?(name: string): readonly string[]
  /** Fields besides `metadata.name` and `metadata.namespace` that a field selector may ask for. */
  readonly selectableFields?: { readonly [field: string]: (object: T) => string | undefined }
  /** Columns of its table. Default: Name and Created At. */
  readonly columns?: readonly TableColumn<T>[]
  /** Its columns stand alone, without Name before them. */
  readonly hidesName?: boolean
  /** What the Name column shows, where that is more than the name. */
  nameCell?(object: T): string
  /** `metadata.generation` counts the changes of its spec. */
  readonly hasGeneration?: boolean
  /** A new object may bring its status along (nodes, whose kubelet registers them with one). */
  readonly keepsStatusOnCreate?: boolean
  /** PUT to a name that does not exist creates it. */
  readonly createsOnUpdate?: boolean
  /** PUT must say which revision it replaces. */
  readonly requiresResourceVersion?: boolean
  /** DELETE answers with the object, not with a Status. */
  readonly returnsDeletedObject?: boolean
  /** Stored objects vanish this long after their last write. */
  readonly ttlMs?: number
  /** Seconds that a deleted object lingers; 0 to remove it at once. Absent: kinds that know no grace. */
  gracePeriodSeconds?(object: T, asked: number | undefined): number
  /** A deleted object stays until this is true, besides having no finalizers (namespaces). */
  isFinal?(object: T): boolean
  /** Marks an object whose deletion begins. */
  markDeleted?(object: Draft<T>): void
  /** Answers CREATE instead of storing an object: kinds that are commands. */
  readonly create?: SubresourceHandler
  readonly subresources?: { readonly [name: string]: SubresourceHandler }
}

/** The differences of one resource. `group` and `plural` say which. */
export interface KindDefinition {
  readonly group: string
  readonly plural: string
  /** Only this version differs so. Absent: all versions. */
  readonly version?: string
  readonly differences: KindDifferences
}

/** Ties the differences of a kind to its name and its wire type. */
export const defineKind = <T extends KubernetesObject>(
  kind: Kind<T>,
  differences: KindDifferences<NoInfer<T>>,
): KindDefinition => ({
  group: kind.group,
  plural: kind.plural,
  // The generic resource calls these only with objects of this kind.
  differences: differences as unknown as KindDifferences,
})
