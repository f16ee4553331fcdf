import type { Terminal } from './terminal.ts'

/** One thing that a command does, as its user sees it. */
export interface Step {
  /** For example `Starting the server`. */
  readonly title: string
  /** May answer with a word for the end of the line: a version, an address. Ends early, by throwing, once aborted. */
  run(signal: AbortSignal): Promise<string | undefined>
}

interface StepOptions {
  readonly monotonicMs: () => number
  /** Aborted when the user wants no further step. */
  readonly signal?: AbortSignal
}

/**
 * Runs steps one after another and shows each with how long it took: a live list for a person, a plain line each
 * elsewhere. A step that throws is marked, and nothing after it runs.
 */
export async function runSteps(
  steps: readonly Step[],
  { out, isInteractive }: Terminal,
  { monotonicMs, signal = new AbortController().signal }: StepOptions,
): Promise<void> {
  const run = async (step: Step): Promise<string | undefined> => {
    signal.throwIfAborted()
    const detail = await step.run(signal)
    signal.throwIfAborted()
    return detail
  }
  if (isInteractive) return runLive(steps, run, monotonicMs)
  for (const step of steps) {
    const startedMs = monotonicMs()
    try {
      const detail = await run(step)
      out(`${finished('✓', step.title, monotonicMs() - startedMs, detail)}\n`)
    } catch (error) {
      out(`✗ ${step.title} (${secondsText(monotonicMs() - startedMs)})\n`)
      throw error
    }
  }
}

async function runLive(
  steps: readonly Step[],
  run: (step: Step) => Promise<string | undefined>,
  monotonicMs: () => number,
): Promise<void> {
  const { Listr } = await import('listr2') // Slow to load, so only where it shows.
  const tasks = steps.map(step => ({
    title: step.title,
    task: async (_: unknown, task: { title: string }) => {
      const startedMs = monotonicMs()
      const detail = await run(step)
      task.title = finished('', step.title, monotonicMs() - startedMs, detail)
    },
  }))
  // What to do about Ctrl-C is ours to say: the list would end the process on the spot.
  await new Listr(tasks, { rendererOptions: { collapseErrors: false }, registerSignalListeners: false }).run()
}

const secondsText = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

const finished = (mark: string, title: string, ms: number, detail: string | undefined): string =>
  `${mark ? `${mark} ` : ''}${title}${detail ? `: ${detail}` : ''} (${secondsText(ms)})`
