import type { ValidationRule } from '../../api/apiextensions-v1/types.ts'
import type { FieldError, FieldErrorReason } from '../../machinery/field-error.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { isJsonObject } from '../../machinery/merge-patch.ts'
import { timeOf } from '../../machinery/time.ts'
import { celEnvironment } from './cel/cel-environment.ts'
import {
  type Budget,
  CostExceededError,
  type MeteredProgram,
  meteredProgram,
  type Variables,
} from './cel/metered-program.ts'
import type { StructuralSchema } from './structural-schema.ts'

/** Steps for one rule, as upstream has it, and for all rules of one object: some tenths of a second, and a second. */
const RULE_STEPS_MAX = 1_000_000
const OBJECT_STEPS_MAX = 2_000_000

const programs = new Map<string, MeteredProgram>()
const PROGRAMS_MAX = 5000

/** Compiled once for each text. Throws for what is no CEL. */
function programOf(rule: string): MeteredProgram {
  let program = programs.get(rule)
  if (!program) {
    if (programs.size >= PROGRAMS_MAX) programs.clear()
    program = meteredProgram(celEnvironment(), rule)
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
export function ruleErrors(schema: StructuralSchema, subject: Subject): readonly FieldError[] {
  const check = new RuleCheck()
  check.visit(schema, subject)
  return check.errors
}

/** One pass over one object. When its steps are spent, the rest is not looked at, and the object is refused. */
class RuleCheck {
  readonly errors: FieldError[] = []
  readonly #values = new WeakMap<object, unknown>()
  #left = OBJECT_STEPS_MAX

  visit(schema: StructuralSchema, { value, old, path }: Subject): void {
    if (value === undefined || value === null || this.#left <= 0 || !hasRules(schema)) return
    for (const rule of (schema['x-kubernetes-validations'] ?? []) as readonly ValidationRule[]) {
      if (this.#left > 0) this.#checkRule(rule, schema, { value, old, path })
    }
    for (const part of partsOf(schema, { value, old, path })) this.visit(part.schema, part)
  }

  #checkRule(rule: ValidationRule, schema: StructuralSchema, { value, old, path }: Subject): void {
    // A rule about a change says nothing of what has no before.
    if (/\boldSelf\b/.test(rule.rule) && old === undefined) return
    const variables = {
      self: this.#celValue(schema, value!),
      ...(old !== undefined && { oldSelf: this.#celValue(schema, old) }),
    }
    const budget: Budget = { left: Math.min(RULE_STEPS_MAX, this.#left) }
    const before = budget.left
    const problem = problemOf(rule, variables, budget)
    const isExceeded = budget.left < 0
    this.#left = isExceeded ? 0 : this.#left - (before - budget.left)
    if (problem !== undefined) {
      this.errors.push({
        reason: REASONS[rule.reason ?? ''] ?? 'FieldValueInvalid',
        field: `${path}${rule.fieldPath ?? ''}`.replace(/^\./, ''),
        message: `${headOf(rule.reason, schema)}${problem}`,
      })
    }
    if (this.#left > 0 || isExceeded) return
    const why = 'validation failed due to running out of cost budget, no further validation rules will be run'
    this.errors.push({ reason: 'FieldValueInvalid', field: path, message: `Invalid value: ${why}` })
  }

  /** Made once for each object, however many rules look at it. */
  #celValue(schema: StructuralSchema, value: JsonValue): unknown {
    if (typeof value !== 'object' || value === null) return celValue(schema, value)
    let converted = this.#values.get(value)
    if (converted === undefined) {
      converted = celValue(schema, value)
      this.#values.set(value, converted)
    }
    return converted
  }
}

type Part = Subject & { readonly schema: StructuralSchema }

function partsOf(schema: StructuralSchema, { value, old, path }: Subject): readonly Part[] {
  if (Array.isArray(value)) {
    const items = schema.items as StructuralSchema | undefined
    if (!items) return []
    return value.map((item: JsonValue, index) => ({
      schema: items,
      value: item,
      old: itemBefore(schema, item, old),
      path: `${path}[${index}]`,
    }))
  }
  if (!isJsonObject(value)) return []
  const before = isJsonObject(old) ? old : {}
  const properties = (schema.properties ?? {}) as { readonly [name: string]: StructuralSchema }
  return Object.keys(value).flatMap(name => {
    const part = Object.hasOwn(properties, name) ? properties[name] : schema.additionalProperties
    if (typeof part !== 'object') return []
    const at = Object.hasOwn(properties, name) ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`
    return [{ schema: part as StructuralSchema, value: value[name], old: before[name], path: at }]
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

/** Why the rule does not hold; undefined when it does. */
function problemOf(rule: ValidationRule, variables: Variables, budget: Budget): string | undefined {
  try {
    if (programOf(rule.rule).run(variables, budget) === true) return undefined
  } catch (error) {
    if (error instanceof CostExceededError) {
      return `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${rule.rule}`
    }
    return `rule evaluation error: ${firstLine(error)}`
  }
  return messageOf(rule, variables, budget)
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

function messageOf({ rule, message, messageExpression }: ValidationRule, variables: Variables, budget: Budget): string {
  if (messageExpression) {
    try {
      const text = programOf(messageExpression).run(variables, budget)
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
  if (typeof value === 'string') return celText(schema?.format, value)
  if (typeof value === 'number') return schema?.type !== 'number' && Number.isInteger(value) ? BigInt(value) : value
  if (Array.isArray(value))
    return value.map((item: JsonValue) => celValue(schema?.items as StructuralSchema | undefined, item))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(fieldsOf(schema, value))
}

/** Texts that the schema says are times and durations are these in CEL. */
function celText(format: string | undefined, text: string): unknown {
  try {
    switch (format) {
      case 'date-time':
        return timeOf(text)
      case 'duration':
        return celEnvironment().evaluate('duration(text)', { text })
      default:
        return text
    }
  } catch {
    return text
  }
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
