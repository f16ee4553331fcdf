/** A failure of our own reasoning: it stops the component and is never caught. */
export class InvariantError extends Error {
  override name = 'InvariantError'
}

/** Claims that `condition` holds, and says why. */
export function invariant(condition: unknown, why: string): asserts condition {
  if (!condition) throw new InvariantError(why)
}
