const known = new WeakMap<object, number>()
const DEPTH_MAX = 300

/** How much there is to look at in a value: characters of texts, members of lists and maps, all through. */
export function weightOf(value: unknown, depth = 0): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return 1
  let weight = known.get(value)
  if (weight === undefined) {
    weight = 1
    const members = Array.isArray(value) || isPlain(value) ? Object.values(value) : []
    for (const member of members) weight += weightOf(member, depth + 1)
    known.set(value, weight)
  }
  return weight
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
