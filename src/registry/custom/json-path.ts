import type { JsonObject, JsonValue } from '../../machinery/json.ts'

type Step =
  | { readonly type: 'field'; readonly name: string }
  | { readonly type: 'index'; readonly index: number }
  | { readonly type: 'all' }
  | { readonly type: 'where'; readonly path: readonly Step[]; readonly value: JsonValue }

/** The part of JSONPath that column definitions use: fields, indices, `[*]` and `[?(@.type=="Ready")]`. */
export class JsonPath {
  readonly #steps: readonly Step[]

  /** Throws for text that is no such path. */
  constructor(text: string) {
    this.#steps = stepsOf(text)
  }

  /** Every value that the path leads to. */
  valuesIn(value: JsonValue | undefined): readonly JsonValue[] {
    return follow(this.#steps, value)
  }

  firstIn(value: JsonValue | undefined): JsonValue | undefined {
    return this.valuesIn(value)[0]
  }
}

const STEP =
  /\.([A-Za-z0-9_$-]+(?:\\\.[A-Za-z0-9_$-]+)*)|\[['"]([^'"]+)['"]\]|\[(-?\d+)\]|\[\*\]|\.\*|\[\?\(@((?:\.[A-Za-z0-9_-]+)+)\s*==\s*(?:"([^"]*)"|'([^']*)'|(true|false|-?\d+))\)\]/y

function stepsOf(text: string): readonly Step[] {
  const path = text
    .trim()
    .replace(/^\{(.*)\}$/, '$1')
    .replace(/^\$/, '')
  const steps: Step[] = []
  STEP.lastIndex = 0
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path)
    if (!match) throw new Error(`${JSON.stringify(text)} is not a JSON path such as .spec.replicas`)
    steps.push(stepOf(match))
  }
  return steps
}

function stepOf([whole, field, quoted, index, where, double, single, literal]: RegExpExecArray): Step {
  if (field !== undefined) return { type: 'field', name: field.replaceAll('\\.', '.') }
  if (quoted !== undefined) return { type: 'field', name: quoted }
  if (index !== undefined) return { type: 'index', index: Number(index) }
  if (where === undefined) return whole === '.*' || whole === '[*]' ? { type: 'all' } : { type: 'field', name: '' }
  const value = double ?? single ?? (JSON.parse(literal!) as JsonValue)
  return { type: 'where', path: stepsOf(where), value }
}

function follow(steps: readonly Step[], value: JsonValue | undefined): readonly JsonValue[] {
  if (value === undefined) return []
  const [step, ...rest] = steps
  if (!step) return [value]
  switch (step.type) {
    case 'field':
      return isFields(value) && Object.hasOwn(value, step.name) ? follow(rest, value[step.name]) : []
    case 'index':
      return Array.isArray(value) ? follow(rest, value.at(step.index)) : []
    case 'all':
      return partsOf(value).flatMap(part => follow(rest, part))
    case 'where':
      return partsOf(value)
        .filter(part => follow(step.path, part)[0] === step.value)
        .flatMap(part => follow(rest, part))
  }
}

const isFields = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function partsOf(value: JsonValue): readonly JsonValue[] {
  if (Array.isArray(value)) return value
  return isFields(value) ? Object.values(value).filter(part => part !== undefined) : []
}
