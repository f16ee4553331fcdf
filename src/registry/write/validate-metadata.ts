import type { ObjectMeta, OwnerReference } from '../../api/meta-v1/types.ts'
import { type FieldError, forbidden, invalid, required } from '../../machinery/field-error.ts'
import type { JsonObject } from '../../machinery/json.ts'
import {
  dnsLabelProblems,
  dnsSubdomainProblems,
  labelValueProblems,
  qualifiedNameProblems,
} from '../../machinery/names.ts'
import type { ServedKind } from '../served-kind.ts'

const ANNOTATIONS_BYTES_MAX = 256 * 1024

/** The rules of new metadata. */
export function metadataErrors({ info, differences }: ServedKind, object: JsonObject): readonly FieldError[] {
  const metadata = object.metadata as ObjectMeta
  const nameProblems = differences.nameProblems ?? dnsSubdomainProblems
  return [
    ...nameProblems(metadata.name ?? '').map(problem => invalid('metadata.name', metadata.name, problem)),
    ...(info.namespaced ? namespaceErrors(metadata.namespace) : []),
    ...commonErrors(metadata),
  ]
}

function namespaceErrors(namespace: string | undefined): readonly FieldError[] {
  if (!namespace) return [required('metadata.namespace')]
  return dnsLabelProblems(namespace).map(problem => invalid('metadata.namespace', namespace, problem))
}

/** What metadata may change into. Names and namespaces cannot change: they are part of the path. */
export function metadataUpdateErrors(object: JsonObject, old: JsonObject): readonly FieldError[] {
  const metadata = object.metadata as ObjectMeta
  const before = old.metadata as ObjectMeta
  const errors = [...commonErrors(metadata)]
  if (before.deletionTimestamp) {
    const added = metadata.finalizers?.filter(finalizer => !before.finalizers?.includes(finalizer)) ?? []
    if (added.length > 0) {
      errors.push(
        forbidden(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map(text => JSON.stringify(text)).join(', ')}}`,
        ),
      )
    }
  }
  return errors
}

function commonErrors(metadata: ObjectMeta): readonly FieldError[] {
  return [
    ...labelErrors(metadata.labels, 'metadata.labels'),
    ...annotationErrors(metadata.annotations, 'metadata.annotations'),
    ...ownerErrors(metadata.ownerReferences),
    ...(metadata.finalizers ?? []).flatMap(finalizerErrors),
  ]
}

export function labelErrors(labels: ObjectMeta['labels'], path: string): readonly FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...qualifiedNameProblems(key).map(problem => invalid(path, key, problem)),
    ...labelValueProblems(value).map(problem => invalid(path, value, problem)),
  ])
}

export function annotationErrors(annotations: ObjectMeta['annotations'], path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  let bytes = 0
  for (const [key, value] of Object.entries(annotations ?? {})) {
    errors.push(...qualifiedNameProblems(key.toLowerCase()).map(problem => invalid(path, key, problem)))
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value)
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) {
    errors.push({
      reason: 'FieldValueTooLong',
      field: path,
      message: `Too long: may not be more than ${ANNOTATIONS_BYTES_MAX} bytes`,
    })
  }
  return errors
}

function finalizerErrors(finalizer: string): readonly FieldError[] {
  const problems = qualifiedNameProblems(finalizer)
  if (problems.length > 0) return problems.map(problem => invalid('metadata.finalizers', finalizer, problem))
  if (/[/.]/.test(finalizer) || STANDARD_FINALIZERS.has(finalizer)) return []
  return [
    invalid('metadata.finalizers', finalizer, 'name is neither a standard finalizer name nor is it fully qualified'),
  ]
}

const STANDARD_FINALIZERS = new Set(['kubernetes', 'orphan', 'foregroundDeletion'])

function ownerErrors(references: readonly OwnerReference[] = []): readonly FieldError[] {
  const errors: FieldError[] = []
  let controller: OwnerReference | undefined
  references.forEach((reference, index) => {
    const path = `metadata.ownerReferences[${index}]`
    const needed = (field: 'apiVersion' | 'kind' | 'name' | 'uid', detail: string): void => {
      if (!reference[field]) errors.push(invalid(`${path}.${field}`, reference[field] ?? '', detail))
    }
    needed('apiVersion', 'version must not be empty')
    needed('kind', 'must not be empty')
    needed('name', 'must not be empty')
    needed('uid', 'must not be empty')
    if (reference.apiVersion === 'v1' && reference.kind === 'Event') {
      errors.push(invalid(path, reference, `/v1, Kind=Event is disallowed from being an owner`))
    }
    if (!reference.controller) return
    if (controller) {
      errors.push(
        invalid(
          'metadata.ownerReferences',
          references,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller.name} and ${reference.name}`,
        ),
      )
    }
    controller = reference
  })
  return errors
}
