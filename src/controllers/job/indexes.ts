import type { Pod } from '../../api/core-v1/types.ts'

export const INDEX_ANNOTATION = 'batch.kubernetes.io/job-completion-index'

/** The completion index of a Pod; undefined for one that has none that makes sense. */
export function indexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[INDEX_ANNOTATION] ?? ''
  return /^\d+$/.test(text) ? Number(text) : undefined
}

/** Reads `1,3-5`, leaving out what lies beyond the completions that are wanted now. */
export function indexesIn(text: string | undefined, completions: number): Set<number> {
  const indexes = new Set<number>()
  for (const part of (text ?? '').split(',')) {
    const [first, last = first] = part.split('-').map(Number)
    if (part === '' || first === undefined || last === undefined) continue
    for (let index = first; index <= last && index < completions; index++) indexes.add(index)
  }
  return indexes
}

/** Writes indexes as `1,3-5`. */
export function indexesText(indexes: Iterable<number>): string {
  const runs: { first: number; last: number }[] = []
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const run = runs.at(-1)
    if (run?.last === index - 1) run.last = index
    else runs.push({ first: index, last: index })
  }
  return runs
    .map(({ first, last }) => (first === last ? `${first}` : `${first}${last === first + 1 ? ',' : '-'}${last}`))
    .join(',')
}
