/** Tries every step, at most `width` at a time, and throws only afterwards: one failure as it is, several as one. */
export async function attemptAll(
  steps: readonly (() => Promise<unknown>)[],
  { width = 16 }: { readonly width?: number } = {},
): Promise<void> {
  const errors: unknown[] = []
  let next = 0
  const work = async (): Promise<void> => {
    for (let step = steps[next++]; step; step = steps[next++]) {
      try {
        await step()
      } catch (error) {
        errors.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, steps.length) }, work))
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors, `[${errors.map(messageOf).join(', ')}]`)
}

/** The text of whatever was thrown, for messages to users. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
