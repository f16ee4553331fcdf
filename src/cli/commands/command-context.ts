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
  /** Calls back at the first Ctrl-C (or request to end), which then ends nothing by itself. The second ends the command at once. */
  onInterrupt(callback: () => void): Disposable
}
