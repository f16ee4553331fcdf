import type { Environment } from '@marcbachmann/cel-js'
import {
  dns1035LabelProblems,
  dnsLabelProblems,
  dnsSubdomainProblems,
  labelValueProblems,
  qualifiedNameProblems,
} from '../../../machinery/names.ts'
import { linearPattern } from '../linear-pattern.ts'
import type { Register } from './register.ts'

const ALL = Number.MAX_SAFE_INTEGER

function patternOf(source: string) {
  const pattern = linearPattern(source)
  if (pattern.problem) throw new Error(`invalid regular expression: ${pattern.problem}`)
  return pattern
}

class FormatNamespace {}

/** One of the rules of names and values that Kubernetes knows by a word. */
class NamedFormat {
  readonly problems: (text: string) => readonly string[]

  constructor(problems: (text: string) => readonly string[]) {
    this.problems = problems
  }
}

const matching =
  (pattern: RegExp, why: string) =>
  (text: string): readonly string[] =>
    pattern.test(text) ? [] : [why]

const prefixOf =
  (problems: (text: string) => readonly string[]) =>
  (text: string): readonly string[] =>
    problems(text.replace(/-$/, 'a'))

const isUri = (text: string): readonly string[] => (URL.canParse(text) ? [] : ['invalid URL'])

const FORMATS: { readonly [name: string]: (text: string) => readonly string[] } = {
  dns1123Label: dnsLabelProblems,
  dns1123Subdomain: dnsSubdomainProblems,
  dns1035Label: dns1035LabelProblems,
  dns1123LabelPrefix: prefixOf(dnsLabelProblems),
  dns1123SubdomainPrefix: prefixOf(dnsSubdomainProblems),
  dns1035LabelPrefix: prefixOf(dns1035LabelProblems),
  qualifiedName: qualifiedNameProblems,
  labelValue: labelValueProblems,
  uri: isUri,
  uuid: matching(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i, 'does not match the UUID format'),
  byte: matching(/^[A-Za-z0-9+/]*={0,2}$/, 'invalid base64'),
  date: matching(/^\d{4}-\d\d-\d\d$/, 'invalid date'),
  datetime: matching(/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/, 'invalid datetime'),
}

/** Expressions, formatting, named formats and what is missing of the strings library. */
export function registerTexts(environment: Environment, register: Register): void {
  register(
    'string.matchesLinear(string): bool',
    (text: string, source: string) => patternOf(source).test(text) === true,
  )
  register('matches(string, string): bool', (text: string, source: string) => patternOf(source).test(text) === true)
  register('string.find(string): string', (text: string, source: string) => patternOf(source).find(text) ?? '')
  register('string.findAll(string): list<string>', (text: string, source: string) =>
    patternOf(source).findAll(text, ALL),
  )
  register('string.findAll(string, int): list<string>', (text: string, source: string, count: bigint) =>
    patternOf(source).findAll(text, count < 0n ? ALL : Number(count)),
  )
  register('string.charAt(int): string', (text: string, at: bigint) => {
    if (at < 0n || at > BigInt(text.length)) throw new Error(`index out of range: ${at}`)
    return text.charAt(Number(at))
  })
  register('string.replace(string, string): string', (text: string, part: string, by: string) =>
    text.replaceAll(part, () => by),
  )
  register('string.replace(string, string, int): string', (text: string, part: string, by: string, count: bigint) =>
    replaced(text, { part, by, count: count < 0n ? ALL : Number(count) }),
  )
  register('string.reverse(): string', (text: string) => [...text].reverse().join(''))
  register('string.format(list): string', formatted)
  environment.registerType('FormatNamespace', FormatNamespace)
  environment.registerType('kubernetes.NamedFormat', { ctor: NamedFormat, fields: {} } as never)
  environment.registerConstant('format', 'FormatNamespace', new FormatNamespace())
  for (const [name, problems] of Object.entries(FORMATS)) {
    register(`FormatNamespace.${name}(): kubernetes.NamedFormat`, () => new NamedFormat(problems))
  }
  const some = environment.parse('optional.of(value)')
  const none: unknown = environment.evaluate('optional.none()')
  register('kubernetes.NamedFormat.validate(string): optional<list<string>>', (format: NamedFormat, text: string) => {
    const value = format.problems(text)
    return value.length > 0 ? some({ value }) : none
  })
}

function replaced(text: string, { part, by, count }: { part: string; by: string; count: number }): string {
  const pieces = text.split(part)
  if (pieces.length - 1 <= count) return pieces.join(by)
  return [pieces.slice(0, count + 1).join(by), ...pieces.slice(count + 1)].join(part)
}

/** `%s`, `%d`, `%f`, `%e`, `%b`, `%x`, `%X`, `%o` and `%%`; a number after a point says how exact. */
function formatted(template: string, values: readonly unknown[]): string {
  let next = 0
  return template.replaceAll(
    /%(?:\.(\d{1,2}))?([sdfebxXo%])/g,
    (_whole, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%'
      if (next >= values.length) throw new Error(`index ${next} out of range`)
      return shown(values[next++], verb, precision === undefined ? 6 : Number(precision))
    },
  )
}

function shown(value: unknown, verb: string, precision: number): string {
  switch (verb) {
    case 'f':
      return Number(value).toFixed(precision)
    case 'e':
      return Number(value).toExponential(precision)
    case 'b':
      return inBase(value, 2)
    case 'o':
      return inBase(value, 8)
    case 'x':
      return inBase(value, 16)
    case 'X':
      return inBase(value, 16).toUpperCase()
    case 'd':
      if (typeof value !== 'bigint' && typeof value !== 'number')
        throw new Error('%d clause can only be used on integers')
      return String(value)
    default:
      return textOf(value)
  }
}

function inBase(value: unknown, base: number): string {
  if (typeof value === 'string') return Buffer.from(value).toString('hex')
  if (typeof value === 'boolean') return value ? '1' : '0'
  return BigInt(value as bigint).toString(base)
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(', ')}]`
  if (value instanceof Date) return value.toISOString().replace('.000', '')
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([key, member]) => `${key}: ${textOf(member)}`).join(', ')}}`
  }
  return String(value)
}
