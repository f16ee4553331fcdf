/** A command that could not be started or ended with a code other than 0. */
export class CommandFailure extends Error {
  override name = 'CommandFailure'
  /** Undefined when it was never started. */
  readonly exitCode: number | undefined
  readonly stderr: string

  constructor(message: string, outcome: { exitCode?: number; stderr: string }, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = outcome.exitCode
    this.stderr = outcome.stderr
  }
}

/** The door to the programs of one machine (`ip`, `nft`, `conntrack` …), run in that machine's network. */
export interface Commands {
  /** Resolves with what it printed. Throws `CommandFailure`. */
  run(command: string, args: readonly string[], options?: { readonly input?: string }): Promise<string>
  /**
   * What a program that keeps running prints, line by line, until it ends (throws) or `signal` is aborted (returns). It
   * is told `input` as that comes.
   */
  lines(
    command: string,
    args: readonly string[],
    signal: AbortSignal,
    options?: { readonly input?: AsyncIterable<string> },
  ): AsyncIterable<string>
}
