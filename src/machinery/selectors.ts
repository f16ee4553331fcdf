import type { LabelSelector } from '../api/meta-v1/types.ts'

export type Labels = { readonly [key: string]: string }

/** One requirement of a label selector; all must hold. */
export interface LabelRequirement {
  readonly key: string
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt'
  readonly values: readonly string[]
}

/** A selector that is ready to match. None of its requirements: matches everything. */
export type Requirements = readonly LabelRequirement[]

/** Text or object that is no selector. */
export class SelectorError extends Error {
  override name = 'SelectorError'
}

export function matchesLabels(requirements: Requirements, labels: Labels | undefined): boolean {
  for (const requirement of requirements) if (!holds(requirement, labels ?? NO_LABELS)) return false
  return true
}

const NO_LABELS: Labels = {}

function holds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const present = Object.hasOwn(labels, key)
  const value = labels[key]!
  switch (operator) {
    case 'In':
      return present && values.includes(value)
    case 'NotIn':
      return !present || !values.includes(value)
    case 'Exists':
      return present
    case 'DoesNotExist':
      return !present
    case 'Gt':
      return present && /^-?\d+$/.test(value) && BigInt(value) > BigInt(values[0]!)
    case 'Lt':
      return present && /^-?\d+$/.test(value) && BigInt(value) < BigInt(values[0]!)
  }
}

/** The requirements of a `LabelSelector` object. An absent selector selects nothing: ask before calling. */
export function requirementsOf(selector: LabelSelector): Requirements {
  const equalities = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]): LabelRequirement => ({ key, operator: 'In', values: [value] }),
  )
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values }): LabelRequirement => {
    if (!isSetOperator(operator)) throw new SelectorError(`"${operator}" is not a valid label selector operator`)
    return { key, operator, values: values ?? [] }
  })
  return [...equalities, ...expressions].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

const isSetOperator = (operator: string): operator is 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' =>
  operator === 'In' || operator === 'NotIn' || operator === 'Exists' || operator === 'DoesNotExist'

/** `app=web,tier in (a,b),!old`: the form of query parameters and of `status.selector` of a Scale. */
export function requirementsText(requirements: Requirements): string {
  return requirements.map(requirementText).join(',')
}

function requirementText({ key, operator, values }: LabelRequirement): string {
  const sorted = [...values].sort()
  switch (operator) {
    case 'In':
      return sorted.length === 1 ? `${key}=${sorted[0]}` : `${key} in (${sorted.join(',')})`
    case 'NotIn':
      return sorted.length === 1 ? `${key}!=${sorted[0]}` : `${key} notin (${sorted.join(',')})`
    case 'Exists':
      return key
    case 'DoesNotExist':
      return `!${key}`
    case 'Gt':
      return `${key}>${sorted[0]}`
    case 'Lt':
      return `${key}<${sorted[0]}`
  }
}

export const labelSelectorText = (selector: LabelSelector): string => requirementsText(requirementsOf(selector))

const TOKEN = /\s*(?:(!=|==|=|!|,|\(|\)|>|<)|([^\s!=,()<>]+))/y

/** Reads the text form. Throws `SelectorError`; key and value syntax is the caller's to validate. */
export function parseLabelSelector(text: string): Requirements {
  const tokens = tokensOf(text)
  const requirements: LabelRequirement[] = []
  while (tokens.length > 0) {
    requirements.push(nextRequirement(tokens, text))
    if (tokens.length === 0) break
    if (tokens.shift() !== ',' || tokens.length === 0) throw unparsable(text)
  }
  return requirements
}

const unparsable = (text: string): SelectorError => new SelectorError(`unable to parse requirement: ${text}`)

function tokensOf(text: string): string[] {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const match = TOKEN.exec(text)
    if (!match) throw unparsable(text)
    tokens.push(match[1] ?? match[2]!)
  }
  return tokens
}

const isWord = (token: string | undefined): token is string => token !== undefined && /^[^!=,()<>]+$/.test(token)

function nextRequirement(tokens: string[], text: string): LabelRequirement {
  if (tokens[0] === '!') {
    const [, key] = tokens.splice(0, 2)
    if (!isWord(key)) throw unparsable(text)
    return { key, operator: 'DoesNotExist', values: [] }
  }
  const key = tokens.shift()
  if (!isWord(key)) throw unparsable(text)
  const operator = tokens[0]
  if (operator === undefined || operator === ',') return { key, operator: 'Exists', values: [] }
  tokens.shift()
  if (operator === 'in' || operator === 'notin') {
    return { key, operator: operator === 'in' ? 'In' : 'NotIn', values: listOf(tokens, text) }
  }
  const value = isWord(tokens[0]) ? tokens.shift()! : ''
  switch (operator) {
    case '=':
    case '==':
      return { key, operator: 'In', values: [value] }
    case '!=':
      return { key, operator: 'NotIn', values: [value] }
    case '>':
    case '<':
      if (!/^-?\d+$/.test(value)) throw unparsable(text)
      return { key, operator: operator === '>' ? 'Gt' : 'Lt', values: [value] }
    default:
      throw unparsable(text)
  }
}

function listOf(tokens: string[], text: string): string[] {
  if (tokens.shift() !== '(') throw unparsable(text)
  const values: string[] = []
  for (;;) {
    const token = tokens.shift()
    if (token === undefined) throw unparsable(text)
    if (token === ')') return values.length > 0 ? values : ['']
    if (token !== ',') values.push(token)
  }
}

/** One term of a field selector, `metadata.name=web-0` or `status.phase!=Running`. */
export interface FieldRequirement {
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

/** Reads a field selector; `\` escapes a comma, an equals sign or itself. Throws `SelectorError`. */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  if (text.trim() === '') return []
  return splitUnescaped(text).map(term => {
    const match = /^([^=!]+)(!=|==|=)((?:[^=\\]|\\.)*)$/.exec(term)
    if (!match) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`)
    const [, field, operator, value] = match
    return { field: field!.trim(), operator: operator === '!=' ? '!=' : '=', value: value!.replace(/\\(.)/g, '$1') }
  })
}

const splitUnescaped = (text: string): string[] => text.match(/(?:[^,\\]|\\.)+/g) ?? []

/** Matches against the value of each selectable field; an absent one counts as empty. */
export const matchesFields = (
  requirements: readonly FieldRequirement[],
  fieldValue: (field: string) => string | undefined,
): boolean =>
  requirements.every(({ field, operator, value }) => ((fieldValue(field) ?? '') === value) === (operator === '='))
