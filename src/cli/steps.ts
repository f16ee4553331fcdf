import type { Terminal } from './terminal.ts'

/** One thing that a command does, as its user sees it. */
export interface Step {
  /** For example `Starting the server`. */
  readonly title: string
  /** May answer with a word for the end of the line: a version, an address. */
  run(): Promise<string | undefined>
}

/**
 * Runs steps one after another and shows each with how long it took: a live list for a person, a plain line each
 * elsewhere. A step that throws is marked, and nothing after it runs.
 */
export async function runSteps(
  steps: readonly Step[],
  { out, isInteractive }: Terminal,
  nowMs: () => number,
): Promise<void> {
  if (isInteractive) {
    await runLive(steps, nowMs)
    return
  }
  for (const { title, run } of steps) {
    const startedMs = nowMs()
    try {
      const detail = await run()
      out(`${finished('✓', title, nowMs() - startedMs, detail)}\n`)
    } catch (error) {
      out(`✗ ${title} (${secondsText(nowMs() - startedMs)})\n`)
      throw error
    }
  }
}

async function runLive(steps: readonly Step[], nowMs: () => number): Promise<void> {
  const { Listr } = await import('listr2') // Slow to load, so only where it shows.
  const tasks = steps.map(({ title, run }) => ({
    title,
    task: async (_: unknown, task: { title: string }) => {
      const startedMs = nowMs()
      const detail = await run()
      task.title = finished('', title, nowMs() - startedMs, detail)
    },
  }))
  await new Listr(tasks, { rendererOptions: { collapseErrors: false } }).run()
}

const secondsText = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

const finished = (mark: string, title: string, ms: number, detail: string | undefined): string =>
  `${mark ? `${mark} ` : ''}${title}${detail ? `: ${detail}` : ''} (${secondsText(ms)})`
