/** A count, or a percentage of a total such as `25%`. */
export type IntOrString = number | string

/** The count that it stands for, percentages rounded as told. Throws on text that is no percentage. */
export function scaledValueOf(value: IntOrString, { total, round }: { total: number; round: 'up' | 'down' }): number {
  if (typeof value === 'number') return value
  const match = /^(\d+)%$/.exec(value)
  if (!match) throw new Error(`invalid value for IntOrString: "${value}" is neither a number nor a percentage`)
  const exact = (Number(match[1]) * total) / 100
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact)
}
