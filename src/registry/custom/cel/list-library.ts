import type { Environment } from '@marcbachmann/cel-js'
import { deepEqual } from 'fast-equals'
import type { Register } from './register.ts'

class SetsNamespace {}

type Comparable = bigint | number | string | boolean | Date

const isBefore = (a: unknown, b: unknown): boolean => (a as Comparable) < (b as Comparable)
/** Whole numbers are equal to the same numbers with a fraction of nothing. */
const isSame = (a: unknown, b: unknown): boolean =>
  deepEqual(a, b) || (typeof a !== typeof b && isNumber(a) && isNumber(b) && Number(a) === Number(b))
const isNumber = (value: unknown): boolean => typeof value === 'bigint' || typeof value === 'number'

/** What identifies a value in a set; values of any other kind are compared one by one. */
const keyOf = (value: unknown): unknown => (isNumber(value) ? Number(value) : value)

/** Whether each is among them, in time that does not grow with the product of both. */
function includesAll(all: readonly unknown[], some: readonly unknown[]): boolean {
  const known = new Set(all.map(keyOf))
  return some.every(value => known.has(keyOf(value)) || (isObject(value) && all.some(other => isSame(other, value))))
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

function extremeOf(name: string, list: readonly unknown[], isBetter: (a: unknown, b: unknown) => boolean): unknown {
  if (list.length === 0) throw new Error(`${name} called on empty list`)
  return list.reduce((best, value) => (isBetter(value, best) ? value : best))
}

function sumOf(list: readonly unknown[]): unknown {
  if (list.some(value => typeof value === 'number')) return list.reduce((sum: number, value) => sum + Number(value), 0)
  return list.reduce((sum: bigint, value) => sum + (value as bigint), 0n)
}

function distinct(list: readonly unknown[]): unknown[] {
  const seen = new Set<unknown>()
  const objects: unknown[] = []
  return list.filter(value => {
    if (!isObject(value)) return !seen.has(keyOf(value)) && seen.add(keyOf(value))
    return !objects.some(other => isSame(other, value)) && objects.push(value) > 0
  })
}

function flattened(list: readonly unknown[], depth: number): unknown[] {
  return list.flatMap(value => (Array.isArray(value) && depth > 0 ? flattened(value, depth - 1) : [value]))
}

const RANGE_MAX = 100_000

/** Lists ("Kubernetes list library" and the lists of cel-go) and sets. */
export function registerLists(environment: Environment, register: Register): void {
  type List = readonly unknown[]
  const indexOf = (list: List, wanted: unknown): bigint => BigInt(list.findIndex(value => isSame(value, wanted)))
  const lastIndexOf = (list: List, wanted: unknown): bigint =>
    BigInt(list.findLastIndex(value => isSame(value, wanted)))
  register('list.isSorted(): bool', (list: List) =>
    list.every((value, at) => at === 0 || !isBefore(value, list[at - 1])),
  )
  register('list.sum(): dyn', sumOf)
  register('list.min(): dyn', (list: List) => extremeOf('min', list, isBefore))
  register('list.max(): dyn', (list: List) => extremeOf('max', list, (a, b) => isBefore(b, a)))
  register('list.indexOf(dyn): int', indexOf)
  register('list.lastIndexOf(dyn): int', lastIndexOf)
  register('list.distinct(): list<dyn>', distinct)
  register('list.reverse(): list<dyn>', (list: List) => [...list].reverse())
  register('list.sort(): list<dyn>', (list: List) =>
    list.toSorted((a, b) => (isBefore(a, b) ? -1 : isBefore(b, a) ? 1 : 0)),
  )
  register('list.flatten(): list<dyn>', (list: List) => flattened(list, 1))
  register('list.flatten(int): list<dyn>', (list: List, depth: bigint) => flattened(list, Math.min(Number(depth), 100)))
  register('list.slice(int, int): list<dyn>', (list: List, from: bigint, to: bigint) => {
    if (from < 0n || to > BigInt(list.length) || from > to)
      throw new Error(`cannot slice(${from}, ${to}), list is length ${list.length}`)
    return list.slice(Number(from), Number(to))
  })
  environment.registerType('ListsNamespace', ListsNamespace)
  environment.registerConstant('lists', 'ListsNamespace', new ListsNamespace())
  register('ListsNamespace.range(int): list<int>', (_lists: unknown, count: bigint) => {
    if (count > RANGE_MAX) throw new Error(`lists.range(${count}) is longer than ${RANGE_MAX}`)
    return Array.from({ length: Math.max(0, Number(count)) }, (_, at) => BigInt(at))
  })
  environment.registerType('SetsNamespace', SetsNamespace)
  environment.registerConstant('sets', 'SetsNamespace', new SetsNamespace())
  register('SetsNamespace.contains(list, list): bool', (_sets: unknown, all: List, some: List) =>
    includesAll(all, some),
  )
  register(
    'SetsNamespace.equivalent(list, list): bool',
    (_sets: unknown, a: List, b: List) => includesAll(a, b) && includesAll(b, a),
  )
  register('SetsNamespace.intersects(list, list): bool', (_sets: unknown, a: List, b: List) => {
    const known = new Set(a.map(keyOf))
    return b.some(value => known.has(keyOf(value)) || (isObject(value) && a.some(other => isSame(other, value))))
  })
}

class ListsNamespace {}
