import { resolve } from 'node:path'
import { parse } from 'yaml'
import { nearestTo } from '../nearest.ts'
import { CommandError } from '../terminal.ts'
import { type Setting, type SettingTable, type ValuesOf, variableOf } from './setting.ts'

export type Value = string | number | boolean | readonly string[]

export interface ConfigSources {
  /** What the command line said, by setting name. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The YAML file's text, and its path for messages. */
  readonly file?: { readonly path: string; readonly text: string }
  /** What holds where nobody says anything, before the defaults: the settings that the cluster was started with. */
  readonly before?: Readonly<Record<string, unknown>>
}

/** Puts the sources and the defaults together. Throws a `CommandError` that names what is wrong and where. */
export function valuesFrom<Table extends SettingTable>(
  table: Table,
  { flags, environment, file, before = {} }: ConfigSources,
): ValuesOf<Table> {
  const fromFile = file ? valuesOfFile(table, file) : {}
  const values: Record<string, Value> = {}
  for (const [name, setting] of Object.entries(table)) {
    const variable = variableOf(setting)
    const value =
      checked(setting, flags[name], `--${setting.flag}`) ??
      checked(setting, environment[variable] || undefined, variable) ??
      fromFile[name] ??
      (before[name] as Value | undefined) ??
      setting.default
    if (value !== undefined) values[name] = value
  }
  return values as unknown as ValuesOf<Table> // Every default is of its setting's own type.
}

function valuesOfFile(table: SettingTable, { path, text }: { readonly path: string; readonly text: string }) {
  const content = parsedYaml(path, text)
  const values: Record<string, Value> = {}
  for (const [key, value] of Object.entries(content)) {
    const setting = Object.hasOwn(table, key) ? table[key] : undefined
    if (!setting) {
      const near = nearestTo(key, Object.keys(table))
      throw new CommandError(`${path}: there is no setting "${key}"`, near ? { advice: `Did you mean "${near}"?` } : {})
    }
    const kept = checked(setting, value, `${path}: ${key}`)
    if (kept !== undefined) values[key] = kept
  }
  return values
}

function parsedYaml(path: string, text: string): Record<string, unknown> {
  let content: unknown
  try {
    content = parse(text)
  } catch (cause) {
    throw new CommandError(`${path} is not YAML: ${(cause as Error).message.split('\n')[0]}`, { cause })
  }
  if (content === null) return {}
  if (typeof content !== 'object' || Array.isArray(content))
    throw new CommandError(`${path} must hold "name: value" lines`)
  return content as Record<string, unknown>
}

/** The value in the setting's own type; undefined when none was given. */
function checked({ type, problem }: Setting, given: unknown, where: string): Value | undefined {
  if (given === undefined || given === null) return undefined
  const refuse = (what: string, value = given): never => {
    throw new CommandError(`${where}: "${String(value)}" ${what}`)
  }
  if (type === 'list') {
    const items = listFrom(given) ?? refuse('must be a list')
    for (const item of items) {
      const wrong = problem?.(item)
      if (wrong) refuse(wrong, item)
    }
    return items
  }
  const text = String(given)
  if (text === '') throw new CommandError(`${where} is empty`)
  const wrong = problem?.(text)
  if (wrong) refuse(wrong)
  if (type === 'number') return /^\d+$/.test(text) ? Number(text) : refuse('must be a whole number')
  if (type === 'switch') return /^(true|false)$/.test(text) ? text === 'true' : refuse('must be true or false')
  return type === 'path' ? resolve(text) : text
}

function listFrom(given: unknown): readonly string[] | undefined {
  if (Array.isArray(given)) return given.flatMap(item => String(item).split(',')).filter(Boolean)
  return typeof given === 'string' ? given.split(',').filter(Boolean) : undefined
}
