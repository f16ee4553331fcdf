/** Counts as Kubernetes serialises them: those that are zero are left out. */
export const withoutZeros = <T extends object>(counts: T): Partial<T> =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)) as Partial<T>
