import type { FieldError } from '../../machinery/field-error.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { invalidObject } from '../../machinery/status.ts'
import { metadataErrors, metadataUpdateErrors } from './validate-metadata.ts'
import { schemaErrors } from './validate-schema.ts'
import { rulesOf, type WriteScope } from './write-environment.ts'

/** Collects every broken rule: schema, metadata, then the kind's own. Throws one 422 for all of them. */
export function checkValid(scope: WriteScope, object: JsonObject, old?: JsonObject): void {
  const { kind, context } = scope
  const name = String((object.metadata as JsonObject).name ?? '')
  const errors = objectErrors(scope, object, old)
  if (errors.length > 0) throw invalidObject(kind.info, name, errors)
  if (scope.call.subresource) return
  for (const text of kind.differences.warnings?.(object, old) ?? []) context.warn(text)
}

function objectErrors(scope: WriteScope, object: JsonObject, old: JsonObject | undefined): readonly FieldError[] {
  const { kind, call } = scope
  const { differences } = kind
  const rules = rulesOf(scope)
  const metadata = old ? metadataUpdateErrors(object, old) : metadataErrors(kind, object)
  // The status endpoint changes nothing that the schema could find missing.
  if (old && call.subresource === 'status')
    return [...metadata, ...(differences.validateStatusUpdate?.(object, old) ?? [])]
  const own = [
    ...(differences.validate?.(object, rules) ?? []),
    ...((old ? differences.validateUpdate?.(object, old, rules) : differences.validateCreate?.(object, rules)) ?? []),
  ]
  const ownEnumerations = new Set(differences.ownEnumerations)
  const general = schemaErrors(kind.schema, object).filter(
    ({ reason, field }) => reason !== 'FieldValueNotSupported' || !ownEnumerations.has(field),
  )
  return [...metadata, ...withoutDoubles(own, general)]
}

/** The kind's own words for a broken field win over what the schema alone can say. */
function withoutDoubles(own: readonly FieldError[], general: readonly FieldError[]): readonly FieldError[] {
  if (general.length === 0) return own
  const known = new Set(own.map(({ field }) => field))
  // Of a bad item of a list, upstream names the list.
  return [...own, ...general.filter(({ field }) => !known.has(field) && !known.has(field.replace(/\[\d+\]$/, '')))]
}
