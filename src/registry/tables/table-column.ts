import type { JsonObject } from '../../machinery/json.ts'

export type Cell = string | number | boolean | null

/** One column of a table. */
export interface TableColumn<T = JsonObject> {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  readonly format?: string
  readonly description?: string
  /** Shown only with `-o wide`. */
  readonly wide?: boolean
  cell(object: T, now: Date): Cell
}
