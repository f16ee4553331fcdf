import type { CallOptions } from '../../machinery/api-call.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { labelValueProblems, qualifiedNameProblems } from '../../machinery/names.ts'
import {
  type FieldRequirement,
  type Labels,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
  type Requirements,
  SelectorError,
} from '../../machinery/selectors.ts'
import { badRequest } from '../../machinery/status.ts'
import type { CachedObject } from '../cache/cached-object.ts'
import type { Interest } from '../cache/watcher-set.ts'
import type { ServedKind } from '../served-kind.ts'
import { viewOf } from './version-view.ts'

/** Which objects of a kind a reader wants. */
export interface Selection {
  /** Absent: everything. */
  readonly matches?: (object: JsonObject) => boolean
  /** What of it the labels alone decide. */
  readonly labels?: Requirements
  /** Texts that the JSON of every match contains: a cheap answer for objects that nobody has parsed yet. */
  readonly marks?: readonly (readonly Buffer[])[]
  /** The one name that can match, if the selector asks for one. */
  readonly name?: string
  /** The one value of a field without which nothing matches, for watchers. */
  readonly interest?: Interest
}

/** Reads the selectors of a call. Throws 400 for what cannot be read, or asks for a field that cannot be selected. */
export function selectionOf(kind: ServedKind, options: CallOptions | undefined): Selection {
  const labels = options?.labelSelector ? labelRequirements(options.labelSelector) : []
  const fields = options?.fieldSelector ? fieldRequirements(kind, options.fieldSelector) : []
  const name = fields.find(({ field, operator }) => field === 'metadata.name' && operator === '=')?.value
  if (labels.length === 0 && fields.length === 0) return {}
  const matches = (object: JsonObject): boolean =>
    (labels.length === 0 || matchesLabels(labels, labelsOf(object))) &&
    (fields.length === 0 || matchesFields(fields, field => fieldValue(kind, object, field)))
  const marks = [...labels.flatMap(labelMarks), ...fields.flatMap(fieldMarks)]
  const interest = interestOf(kind, fields)
  return {
    matches,
    labels,
    ...(marks.length > 0 && { marks }),
    ...(name !== undefined && { name }),
    ...(interest && { interest }),
  }
}

function interestOf(kind: ServedKind, fields: readonly FieldRequirement[]): Interest | undefined {
  const exact = fields.find(({ operator, value }) => operator === '=' && value !== '')
  if (!exact) return undefined
  const { field, value } = exact
  if (field === 'metadata.name') return { field, value, valueIn: ({ key }) => key.slice(key.lastIndexOf('/') + 1) }
  return { field, value, valueIn: object => fieldValue(kind, viewOf(kind, object).object, field) }
}

/** A label that must have one of some values stands in the JSON just so. */
const labelMarks = ({ key, operator, values }: Requirements[number]): readonly (readonly Buffer[])[] =>
  operator === 'In' && !values.includes('')
    ? [values.map(value => Buffer.from(`${JSON.stringify(key)}:${JSON.stringify(value)}`))]
    : []

/** Fields that hold their text as it is, and never a default that is not written down. */
const PLAIN_FIELDS = new Set([
  'spec.nodeName',
  'involvedObject.name',
  'involvedObject.uid',
  'regarding.name',
  'regarding.uid',
])

const fieldMarks = ({ field, operator, value }: FieldRequirement): readonly (readonly Buffer[])[] =>
  PLAIN_FIELDS.has(field) && operator === '=' && value !== '' ? [[Buffer.from(JSON.stringify(value))]] : []

/** Whether an object of the cache is selected. Parses only what may match. */
export function isSelected(
  kind: ServedKind,
  object: CachedObject,
  { matches, labels, marks, name }: Selection,
): boolean {
  if (name !== undefined && !object.key.endsWith(`/${name}`)) return false
  if (!matches) return true
  const { knownLabels } = object
  if (knownLabels && labels && !matchesLabels(labels, knownLabels)) return false
  if (marks && !object.isParsed && !marks.every(anyOf => anyOf.some(mark => object.contains(mark)))) return false
  return matches(viewOf(kind, object).object)
}

const labelsOf = (object: JsonObject): Labels | undefined =>
  (object.metadata as { readonly labels?: Labels } | undefined)?.labels

function labelRequirements(text: string): Requirements {
  const requirements = readable(() => parseLabelSelector(text))
  for (const { key, operator, values } of requirements) {
    const [problem] = qualifiedNameProblems(key)
    if (problem) throw badRequest(`unable to parse requirement: key: Invalid value: ${JSON.stringify(key)}: ${problem}`)
    if (operator !== 'In' && operator !== 'NotIn') continue
    for (const value of values) {
      const [wrong] = labelValueProblems(value)
      if (wrong) {
        throw badRequest(
          `unable to parse requirement: values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ${wrong}`,
        )
      }
    }
  }
  return requirements
}

function fieldRequirements(kind: ServedKind, text: string): readonly FieldRequirement[] {
  const requirements = readable(() => parseFieldSelector(text))
  for (const { field } of requirements) {
    const isSelectable =
      field === 'metadata.name' ||
      (field === 'metadata.namespace' && kind.info.namespaced) ||
      Object.hasOwn(kind.differences.selectableFields ?? {}, field)
    if (!isSelectable) throw badRequest(unsupportedField(kind, field))
  }
  return requirements
}

function unsupportedField({ info, isCustom, differences }: ServedKind, field: string): string {
  const hasOwnList = !isCustom && differences.selectableFields !== undefined
  return hasOwnList ? `field label not supported: ${field}` : `field label not supported: "${field}" for ${info.kind}`
}

function fieldValue(kind: ServedKind, object: JsonObject, field: string): string | undefined {
  const metadata = object.metadata as { readonly name?: string; readonly namespace?: string }
  if (field === 'metadata.name') return metadata.name
  if (field === 'metadata.namespace') return metadata.namespace
  return kind.differences.selectableFields?.[field]?.(object)
}

function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message)
    throw error
  }
}
