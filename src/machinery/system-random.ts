import { randomBytes } from 'node:crypto'
import type { Random } from './random.ts'

/** The machine's own source of chance. */
export const systemRandom: Random = {
  float: Math.random,
  bytes: count => new Uint8Array(randomBytes(count)),
}
