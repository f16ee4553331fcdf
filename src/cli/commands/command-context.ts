import type { Terminal } from '../terminal.ts'

/** What every command is handed: the streams, the environment, and how to start this program again. */
export interface CommandContext {
  readonly terminal: Terminal
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Program and script, as for `spawn`: what `up` starts its processes with. */
  readonly self: readonly string[]
  readonly version: string
  readonly userId: number
  readonly monotonicMs: () => number
}
