import { Environment } from '@marcbachmann/cel-js'
import type { ValidationRule } from '../../api/apiextensions-v1/types.ts'
import type { FieldError, FieldErrorReason } from '../../machinery/field-error.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { isJsonObject } from '../../machinery/merge-patch.ts'
import type { StructuralSchema } from './structural-schema.ts'

/** What a rule may be at most: longer ones are refused when they are defined. */
const LIMITS = { maxAstNodes: 5000, maxDepth: 100 }

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
  limits: LIMITS,
})

type Program = (context: { readonly self: unknown; readonly oldSelf?: unknown }) => unknown

const programs = new Map<string, Program>()
const PROGRAMS_MAX = 5000

/** Compiled once for each text. Throws for what is no CEL. */
function programOf(rule: string): Program {
  let program = programs.get(rule)
  if (!program) {
    if (programs.size >= PROGRAMS_MAX) programs.clear()
    program = environment.parse(rule) as Program
    programs.set(rule, program)
  }
  return program
}

/** What is wrong with the text of a rule; undefined when it compiles. */
export function ruleProblem(rule: string): string | undefined {
  try {
    programOf(rule)
    return undefined
  } catch (error) {
    return `compilation failed: ${firstLine(error)}`
  }
}

const firstLine = (error: unknown): string => (error instanceof Error ? error.message.split('\n')[0]! : String(error))

const known = new WeakMap<StructuralSchema, boolean>()

/** Most schemas have no rules, and pay nothing for them. */
export function hasRules(schema: StructuralSchema): boolean {
  let answer = known.get(schema)
  if (answer === undefined) {
    answer = JSON.stringify(schema).includes('"x-kubernetes-validations"')
    known.set(schema, answer)
  }
  return answer
}

interface Subject {
  readonly value: JsonValue | undefined
  readonly old?: JsonValue | undefined
  readonly path: string
}

/** Rules of the schema and its parts (KEP-2876) that do not hold. Call it for values of the right types only. */
export function ruleErrors(schema: StructuralSchema, { value, old, path }: Subject): readonly FieldError[] {
  if (value === undefined || value === null || !hasRules(schema)) return []
  const rules = (schema['x-kubernetes-validations'] ?? []) as readonly ValidationRule[]
  return [
    ...rules.flatMap(rule => errorsOf(rule, schema, { value, old, path })),
    ...partErrors(schema, { value, old, path }),
  ]
}

function partErrors(schema: StructuralSchema, { value, old, path }: Subject): readonly FieldError[] {
  if (Array.isArray(value)) {
    const items = schema.items as StructuralSchema | undefined
    if (!items) return []
    return value.flatMap((item: JsonValue, index) =>
      ruleErrors(items, { value: item, old: itemBefore(schema, item, old), path: `${path}[${index}]` }),
    )
  }
  if (!isJsonObject(value)) return []
  const before = isJsonObject(old) ? old : {}
  const properties = (schema.properties ?? {}) as { readonly [name: string]: StructuralSchema }
  return Object.keys(value).flatMap(name => {
    const part = Object.hasOwn(properties, name) ? properties[name] : schema.additionalProperties
    if (typeof part !== 'object') return []
    const at = Object.hasOwn(properties, name) ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`
    return ruleErrors(part as StructuralSchema, { value: value[name], old: before[name], path: at })
  })
}

/** The same item in the old list, where keys say which it is. */
function itemBefore(schema: StructuralSchema, item: JsonValue, old: JsonValue | undefined): JsonValue | undefined {
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  if (!Array.isArray(old) || !isJsonObject(item) || keys.length === 0) return undefined
  return old.find((candidate: JsonValue) => isJsonObject(candidate) && keys.every(key => candidate[key] === item[key]))
}

const REASONS: { readonly [reason: string]: FieldErrorReason } = {
  FieldValueInvalid: 'FieldValueInvalid',
  FieldValueForbidden: 'FieldValueForbidden',
  FieldValueRequired: 'FieldValueRequired',
  FieldValueDuplicate: 'FieldValueDuplicate',
}

function errorsOf(
  rule: ValidationRule,
  schema: StructuralSchema,
  { value, old, path }: Subject,
): readonly FieldError[] {
  // A rule about a change says nothing of what has no before.
  if (/\boldSelf\b/.test(rule.rule) && old === undefined) return []
  const context = { self: celValue(schema, value!), ...(old !== undefined && { oldSelf: celValue(schema, old) }) }
  const fail = (message: string): readonly FieldError[] => [
    {
      reason: REASONS[rule.reason ?? ''] ?? 'FieldValueInvalid',
      field: `${path}${rule.fieldPath ?? ''}`.replace(/^\./, ''),
      message: `${headOf(rule.reason, schema)}${message}`,
    },
  ]
  try {
    if (programOf(rule.rule)(context) === true) return []
  } catch (error) {
    return fail(`rule evaluation error: ${firstLine(error)}`)
  }
  return fail(messageOf(rule, context))
}

function headOf(reason: string | undefined, { type }: StructuralSchema): string {
  switch (reason) {
    case 'FieldValueForbidden':
      return 'Forbidden: '
    case 'FieldValueRequired':
      return 'Required value: '
    case 'FieldValueDuplicate':
      return `Duplicate value: ${JSON.stringify(type)}: `
    default:
      return `Invalid value: ${JSON.stringify(type)}: `
  }
}

function messageOf({ rule, message, messageExpression }: ValidationRule, context: Parameters<Program>[0]): string {
  if (messageExpression) {
    try {
      const text = programOf(messageExpression)(context)
      if (typeof text === 'string' && text.trim() !== '') return text
    } catch {
      // An expression that fails falls back to the fixed message (KEP-2876).
    }
  }
  return message || `failed rule: ${rule}`
}

const KEYWORDS = new Set([
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
])

/** Names of fields as rules write them. */
function escapedName(name: string): string {
  if (KEYWORDS.has(name)) return `__${name}__`
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__')
}

/** A value as CEL has it: whole numbers are integers unless the schema says that they are not. */
function celValue(schema: StructuralSchema | undefined, value: JsonValue): unknown {
  if (typeof value === 'number') return schema?.type !== 'number' && Number.isInteger(value) ? BigInt(value) : value
  if (Array.isArray(value))
    return value.map((item: JsonValue) => celValue(schema?.items as StructuralSchema | undefined, item))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(fieldsOf(schema, value))
}

function fieldsOf(schema: StructuralSchema | undefined, value: JsonObject): readonly (readonly [string, unknown])[] {
  const properties = (schema?.properties ?? {}) as { readonly [name: string]: StructuralSchema }
  return Object.entries(value).flatMap(([name, part]): readonly (readonly [string, unknown])[] => {
    if (part === undefined) return []
    if (Object.hasOwn(properties, name)) return [[escapedName(name), celValue(properties[name], part)]]
    const values = schema?.additionalProperties
    return [[name, celValue(typeof values === 'object' ? (values as StructuralSchema) : undefined, part)]]
  })
}
