/**
 * A setting, said once: as a flag (`--data-dir`), as an environment variable (`HOLDFAST_DATA_DIR`) and as a key of the
 * YAML file (`dataDir`). A flag wins over the environment, the environment over the file.
 */
export interface Setting {
  /** The flag without its dashes. */
  readonly flag: string
  /** A path is made absolute, since the processes that `up` starts may be elsewhere. */
  readonly type: 'text' | 'path' | 'number' | 'switch' | 'list'
  readonly default?: string | number | boolean | readonly string[]
  /** In `--help`, after the flag. */
  readonly placeholder?: string
  readonly help: string
  /** What is wrong with a value, or with one item of a list, in words; undefined when it is fine. */
  readonly problem?: (value: string) => string | undefined
}

/** Settings by the names that code and YAML files know them by. */
export type SettingTable = Readonly<Record<string, Setting>>

interface ValueTypes {
  readonly text: string
  readonly path: string
  readonly number: number
  readonly switch: boolean
  readonly list: readonly string[]
}

/** All settings of a table with their values; those without a default may be absent. */
export type ValuesOf<Table extends SettingTable> = {
  readonly [Name in keyof Table]: Table[Name] extends { readonly default: unknown }
    ? ValueTypes[Table[Name]['type']]
    : ValueTypes[Table[Name]['type']] | undefined
}

/** `HOLDFAST_DATA_DIR` for `data-dir`. */
export const variableOf = ({ flag }: Setting): string => `HOLDFAST_${flag.replaceAll('-', '_').toUpperCase()}`
