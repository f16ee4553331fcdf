import type { KubernetesObject } from '../api/kind.ts'
import type { ObjectMeta, OwnerReference } from '../api/meta-v1/types.ts'

/** Names one object of a known kind. `namespace` is absent for kinds without one. */
export interface ObjectKey {
  readonly namespace?: string
  readonly name: string
}

export const keyOf = ({ metadata }: { readonly metadata: ObjectMeta }): ObjectKey =>
  metadata.namespace ? { namespace: metadata.namespace, name: metadata.name! } : { name: metadata.name! }

/** `namespace/name`, or `name` alone: the form that logs, queues and caches use. */
export const keyText = ({ namespace, name }: ObjectKey): string => (namespace ? `${namespace}/${name}` : name)

export function keyFromText(text: string): ObjectKey {
  const slash = text.indexOf('/')
  return slash < 0 ? { name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) }
}

/** The one owner that manages this object, if any (API conventions, "controller reference"). */
export const controllerOf = ({ metadata }: { readonly metadata: ObjectMeta }): OwnerReference | undefined =>
  metadata.ownerReferences?.find(reference => reference.controller === true)

export const isControlledBy = (object: { readonly metadata: ObjectMeta }, owner: KubernetesObject): boolean =>
  controllerOf(object)?.uid === owner.metadata.uid

/** The reference by which `owner` manages its children: deleting it in the foreground waits for them. */
export const controllerReferenceTo = (owner: KubernetesObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
})

export const isTerminating = ({ metadata }: { readonly metadata: ObjectMeta }): boolean =>
  metadata.deletionTimestamp !== undefined
