/** Outcome of a slow start: how many went well, and the first error. */
export interface SlowStart {
  readonly succeeded: number
  readonly error?: Error
}

/**
 * Carries out `count` equal steps in batches of 1, 2, 4, 8 …, and stops after a batch in which one failed: when none of
 * them can succeed, only one is tried.
 */
export async function slowStart(count: number, step: () => Promise<unknown>): Promise<SlowStart> {
  let succeeded = 0
  for (let size = 1; succeeded < count; size *= 2) {
    const width = Math.min(size, count - succeeded)
    const results = await Promise.allSettled(Array.from({ length: width }, step))
    const failure = results.find(result => result.status === 'rejected')
    succeeded += results.filter(({ status }) => status === 'fulfilled').length
    if (failure) return { succeeded, error: failure.reason as Error } // Nobody here rejects with anything else.
  }
  return { succeeded }
}
