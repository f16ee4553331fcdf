import { createHash } from 'node:crypto'
import type { Container } from '../../api/core-v1/types.ts'

/** What of a container may change in place only by starting it again: its name and image. */
export const containerHash = ({ name, image = '' }: Pick<Container, 'name' | 'image'>): string =>
  createHash('sha256').update(`${name}\0${image}`).digest('hex').slice(0, 8)
