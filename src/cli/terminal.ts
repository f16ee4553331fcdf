/** Where a command prints. Handed in, so that tests read what a person would. */
export interface Terminal {
  out(text: string): void
  error(text: string): void
  /** Whether a person is looking: only then lists move and colours appear. */
  readonly isInteractive: boolean
  readonly columns: number
}

/** A mistake of the user or of the machine that the message explains: printed without a stack. */
export class CommandError extends Error {
  override name = 'CommandError'
  /** What the user can do about it, printed on a line of its own. */
  readonly advice: string | undefined
  readonly exitCode: number

  constructor(
    message: string,
    { advice, exitCode = 1, cause }: { advice?: string; exitCode?: number; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.advice = advice
    this.exitCode = exitCode
  }
}

/** What went wrong, for the end of a sentence. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  switch (/no space left on device/i.test(message) ? 'ENOSPC' : code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EACCES':
    case 'EPERM':
      return 'this user may not'
    case 'EISDIR':
      return 'it is a directory'
    case 'ENOSPC':
      return 'the disk is full'
    case 'EDQUOT':
      return "this user's share of the disk is full"
    case 'EROFS':
      return 'the file system is read-only'
    default:
      return message
  }
}

/** Columns as kubectl prints them: upper-case headings, three blanks between. */
export function tableText(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map(row => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column]!)))
      .join('   ')
      .trimEnd()
  return `${[headings, ...rows].map(line).join('\n')}\n`
}
