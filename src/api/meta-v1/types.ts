// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.

export type Quantity = string | number

export interface APIGroup {
  readonly apiVersion?: string
  readonly kind?: string
  readonly name: string
  readonly preferredVersion?: GroupVersionForDiscovery
  readonly serverAddressByClientCIDRs?: readonly ServerAddressByClientCIDR[]
  readonly versions: readonly GroupVersionForDiscovery[]
}

export interface APIGroupList {
  readonly apiVersion?: string
  readonly groups: readonly APIGroup[]
  readonly kind?: string
}

export interface APIResource {
  readonly categories?: readonly string[]
  readonly group?: string
  readonly kind: string
  readonly name: string
  readonly namespaced: boolean
  readonly shortNames?: readonly string[]
  readonly singularName: string
  readonly storageVersionHash?: string
  readonly verbs: readonly string[]
  readonly version?: string
}

export interface APIResourceList {
  readonly apiVersion?: string
  readonly groupVersion: string
  readonly kind?: string
  readonly resources: readonly APIResource[]
}

export interface APIVersions {
  readonly apiVersion?: string
  readonly kind?: string
  readonly serverAddressByClientCIDRs: readonly ServerAddressByClientCIDR[]
  readonly versions: readonly string[]
}

export interface ApplyOptions {
  readonly apiVersion?: string
  readonly dryRun?: readonly string[]
  readonly fieldManager: string
  readonly force: boolean
  readonly kind?: string
}

export interface Condition {
  readonly lastTransitionTime: Time
  readonly message: string
  readonly observedGeneration?: number
  readonly reason: string
  readonly status: string
  readonly type: string
}

export interface CreateOptions {
  readonly apiVersion?: string
  readonly dryRun?: readonly string[]
  readonly fieldManager?: string
  readonly fieldValidation?: string
  readonly kind?: string
}

export interface DeleteOptions {
  readonly apiVersion?: string
  readonly dryRun?: readonly string[]
  readonly gracePeriodSeconds?: number
  readonly ignoreStoreReadErrorWithClusterBreakingPotential?: boolean
  readonly kind?: string
  readonly orphanDependents?: boolean
  readonly preconditions?: Preconditions
  readonly propagationPolicy?: string
}

export type Duration = string

export interface FieldSelectorRequirement {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[]
}

export type FieldsV1 = { readonly [key: string]: unknown }

export interface GetOptions {
  readonly apiVersion?: string
  readonly kind?: string
  readonly resourceVersion?: string
}

export interface GroupKind {
  readonly group: string
  readonly kind: string
}

export interface GroupResource {
  readonly group: string
  readonly resource: string
}

export interface GroupVersion {
  readonly group: string
  readonly version: string
}

export interface GroupVersionForDiscovery {
  readonly groupVersion: string
  readonly version: string
}

export interface GroupVersionKind {
  readonly group: string
  readonly kind: string
  readonly version: string
}

export interface GroupVersionResource {
  readonly group: string
  readonly resource: string
  readonly version: string
}

export interface InternalEvent {
  readonly Object: unknown
  readonly Type: string
}

export interface LabelSelector {
  readonly matchExpressions?: readonly LabelSelectorRequirement[]
  readonly matchLabels?: { readonly [key: string]: string }
}

export interface LabelSelectorRequirement {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[]
}

export interface List {
  readonly apiVersion?: string
  readonly items: readonly RawExtension[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface ListMeta {
  readonly continue?: string
  readonly remainingItemCount?: number
  readonly resourceVersion?: string
  readonly selfLink?: string
  readonly shardInfo?: ShardInfo
}

export interface ListOptions {
  readonly allowWatchBookmarks?: boolean
  readonly apiVersion?: string
  readonly continue?: string
  readonly fieldSelector?: string
  readonly kind?: string
  readonly labelSelector?: string
  readonly limit?: number
  readonly resourceVersion?: string
  readonly resourceVersionMatch?: string
  readonly sendInitialEvents?: boolean
  readonly shardSelector?: string
  readonly timeoutSeconds?: number
  readonly watch?: boolean
}

export interface ManagedFieldsEntry {
  readonly apiVersion?: string
  readonly fieldsType?: string
  readonly fieldsV1?: FieldsV1
  readonly manager?: string
  readonly operation?: string
  readonly subresource?: string
  readonly time?: Time
}

export type MicroTime = string

export interface ObjectMeta {
  readonly annotations?: { readonly [key: string]: string }
  readonly creationTimestamp?: Time
  readonly deletionGracePeriodSeconds?: number
  readonly deletionTimestamp?: Time
  readonly finalizers?: readonly string[]
  readonly generateName?: string
  readonly generation?: number
  readonly labels?: { readonly [key: string]: string }
  readonly managedFields?: readonly ManagedFieldsEntry[]
  readonly name?: string
  readonly namespace?: string
  readonly ownerReferences?: readonly OwnerReference[]
  readonly resourceVersion?: string
  readonly selfLink?: string
  readonly uid?: string
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly blockOwnerDeletion?: boolean
  readonly controller?: boolean
  readonly kind: string
  readonly name: string
  readonly uid: string
}

export interface PartialObjectMetadata {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: ObjectMeta
}

export interface PartialObjectMetadataList {
  readonly apiVersion?: string
  readonly items: readonly PartialObjectMetadata[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export type Patch = { readonly [key: string]: unknown }

export interface PatchOptions {
  readonly apiVersion?: string
  readonly dryRun?: readonly string[]
  readonly fieldManager?: string
  readonly fieldValidation?: string
  readonly force?: boolean
  readonly kind?: string
}

export interface Preconditions {
  readonly resourceVersion?: string
  readonly uid?: string
}

export interface RootPaths {
  readonly paths: readonly string[]
}

export interface ServerAddressByClientCIDR {
  readonly clientCIDR: string
  readonly serverAddress: string
}

export interface ShardInfo {
  readonly selector: string
}

export interface Status {
  readonly apiVersion?: string
  readonly code?: number
  readonly details?: StatusDetails
  readonly kind?: string
  readonly message?: string
  readonly metadata?: ListMeta
  readonly reason?: string
  readonly status?: string
}

export interface StatusCause {
  readonly field?: string
  readonly message?: string
  readonly reason?: string
}

export interface StatusDetails {
  readonly causes?: readonly StatusCause[]
  readonly group?: string
  readonly kind?: string
  readonly name?: string
  readonly retryAfterSeconds?: number
  readonly uid?: string
}

export interface Table {
  readonly apiVersion?: string
  readonly columnDefinitions: readonly TableColumnDefinition[]
  readonly kind?: string
  readonly metadata?: ListMeta
  readonly rows: readonly TableRow[]
}

export interface TableColumnDefinition {
  readonly description: string
  readonly format: string
  readonly name: string
  readonly priority: number
  readonly type: string
}

export interface TableOptions {
  readonly apiVersion?: string
  readonly includeObject?: string
  readonly kind?: string
}

export interface TableRow {
  readonly cells: readonly { readonly [key: string]: unknown }[]
  readonly conditions?: readonly TableRowCondition[]
  readonly object?: RawExtension
}

export interface TableRowCondition {
  readonly message?: string
  readonly reason?: string
  readonly status: string
  readonly type: string
}

export type Time = string

export interface Timestamp {
  readonly nanos: number
  readonly seconds: number
}

export interface TypeMeta {
  readonly apiVersion?: string
  readonly kind?: string
}

export interface UpdateOptions {
  readonly apiVersion?: string
  readonly dryRun?: readonly string[]
  readonly fieldManager?: string
  readonly fieldValidation?: string
  readonly kind?: string
}

export interface WatchEvent {
  readonly object: RawExtension
  readonly type: string
}

export type RawExtension = { readonly [key: string]: unknown }

export interface TypeMeta {
  readonly apiVersion?: string
  readonly kind?: string
}

export interface Unknown {
  readonly ContentEncoding: string
  readonly ContentType: string
  readonly apiVersion?: string
  readonly kind?: string
}

export type IntOrString = number | string

export interface Info {
  readonly buildDate: string
  readonly compiler: string
  readonly emulationMajor?: string
  readonly emulationMinor?: string
  readonly gitCommit: string
  readonly gitTreeState: string
  readonly gitVersion: string
  readonly goVersion: string
  readonly major: string
  readonly minCompatibilityMajor?: string
  readonly minCompatibilityMinor?: string
  readonly minor: string
  readonly platform: string
}
