import { parse } from 'yaml'
import { nearestTo } from '../nearest.ts'
import { CommandError } from '../terminal.ts'
import { type ClusterConfig, clusterSettings, type Setting, type SettingName } from './settings.ts'

type Value = string | number | boolean | readonly string[]
type Values = Partial<Record<SettingName, Value>>

export interface ConfigSources {
  /** What the command line said, by setting name. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The YAML file's text, and its path for messages. */
  readonly file?: { readonly path: string; readonly text: string }
}

const names = Object.keys(clusterSettings) as SettingName[]
const settingOf = (name: SettingName): Setting => clusterSettings[name]

/** `HOLDFAST_DATA_DIR` for `data-dir`. */
const environmentNameOf = (name: SettingName): string =>
  `HOLDFAST_${settingOf(name).flag.replaceAll('-', '_').toUpperCase()}`

/** Puts the three sources and the defaults together. Throws a `CommandError` that names what is wrong and where. */
export function clusterConfigFrom({ flags, environment, file }: ConfigSources): ClusterConfig {
  const fromFile = file ? valuesOfFile(file) : {}
  const config: Values = {}
  for (const name of names) {
    const { default: fallback, flag } = settingOf(name)
    const variable = environmentNameOf(name)
    const value =
      checked(name, flags[name], `--${flag}`) ??
      checked(name, environment[variable], variable) ??
      fromFile[name] ??
      fallback
    if (value !== undefined) config[name] = value
  }
  return config as unknown as ClusterConfig // Every default is of its setting's own type.
}

function valuesOfFile({ path, text }: { readonly path: string; readonly text: string }): Values {
  const content = parsedYaml(path, text)
  const values: Values = {}
  for (const [key, value] of Object.entries(content)) {
    if (!names.includes(key as SettingName)) {
      const near = nearestTo(key, names)
      throw new CommandError(`${path}: there is no setting "${key}"`, near ? { advice: `Did you mean "${near}"?` } : {})
    }
    const name = key as SettingName
    const kept = checked(name, value, `${path}: ${key}`)
    if (kept !== undefined) values[name] = kept
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
function checked(name: SettingName, given: unknown, where: string): Value | undefined {
  if (given === undefined || given === null) return undefined
  const { type, problem } = settingOf(name)
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
  const wrong = problem?.(text)
  if (wrong) refuse(wrong)
  if (type === 'number') return /^\d+$/.test(text) ? Number(text) : refuse('must be a whole number')
  if (type === 'switch') return /^(true|false)$/.test(text) ? text === 'true' : refuse('must be true or false')
  return text
}

function listFrom(given: unknown): readonly string[] | undefined {
  if (Array.isArray(given)) return given.flatMap(item => String(item).split(',')).filter(Boolean)
  return typeof given === 'string' ? given.split(',').filter(Boolean) : undefined
}
