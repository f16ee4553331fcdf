/** Whether something is made without a failure: `isIP` and its like ask whether `ip` would work. */
export function can(make: () => unknown): boolean {
  try {
    make()
    return true
  } catch {
    return false
  }
}
