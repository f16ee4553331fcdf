import { RuntimeError } from '../doors.ts'

/** How a process ended, as the error channel of `v4.channel.k8s.io` tells clients. */
export function exitStatusText(outcome: { readonly exitCode: number } | { readonly error: unknown }): string {
  if ('error' in outcome) return JSON.stringify(failureOf(outcome.error))
  const { exitCode } = outcome
  if (exitCode === 0) return JSON.stringify({ metadata: {}, status: 'Success' })
  return JSON.stringify({
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit code ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  })
}

const TITLE = 'Internal error occurred:'

function failureOf(error: unknown): object {
  const text = error instanceof RuntimeError || error instanceof Error ? error.message : String(error)
  const message = text.startsWith(TITLE) ? text : `${TITLE} ${text}`
  return {
    metadata: {},
    status: 'Failure',
    message,
    reason: 'InternalError',
    details: { causes: [{ message: text }] },
    code: 500,
  }
}
