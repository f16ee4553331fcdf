import { createHash } from 'node:crypto'
import { CommandError } from '../../cli/terminal.ts'

/** What a machine needs to join: who it may say it is, and by which authority it knows the server. */
export interface JoinToken {
  /** A bootstrap token, `abcdef.0123456789abcdef`. */
  readonly bootstrap: string
  /** SHA-256 of the authority's certificate (DER), in hex. */
  readonly authorityHash: string
}

const TOKEN = /^([a-z0-9]{6}\.[a-z0-9]{16})\.([0-9a-f]{64})$/

export const joinTokenText = ({ bootstrap, authorityHash }: JoinToken): string => `${bootstrap}.${authorityHash}`

export function parseJoinToken(text: string): JoinToken {
  const match = TOKEN.exec(text.trim())
  if (!match) {
    throw new CommandError('that is no token to join with', { advice: 'Make one on a server with: holdfast token' })
  }
  return { bootstrap: match[1]!, authorityHash: match[2]! }
}

/** The hash by which a token names an authority. */
export const authorityHashOf = (certificateDer: Uint8Array): string =>
  createHash('sha256').update(certificateDer).digest('hex')
