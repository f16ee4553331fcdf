import { randomFillSync } from 'node:crypto'
import type { Random } from './random.ts'

/** Each call of the machine's source costs a microsecond or more, so bytes are fetched for many at a time. */
const POOL_BYTES = 8192
let pool = new Uint8Array(0)

function bytes(count: number): Uint8Array {
  if (count > POOL_BYTES / 16) return randomFillSync(new Uint8Array(count))
  if (pool.length < count) pool = randomFillSync(new Uint8Array(POOL_BYTES))
  const taken = pool.slice(0, count)
  pool.fill(0, 0, count) // What was handed out is remembered by nobody else.
  pool = pool.subarray(count)
  return taken
}

/** The machine's own source of chance. */
export const systemRandom: Random = {
  float: Math.random,
  bytes,
}
