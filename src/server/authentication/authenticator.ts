import type { UserInfo } from '../../registry/resource.ts'
import type { Exchange } from '../http/exchange.ts'

export const ANONYMOUS: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
export const AUTHENTICATED_GROUP = 'system:authenticated'

/** Finds out who sends a request. */
export interface Authenticator {
  /** Undefined when the request shows nothing that this authenticator knows. Throws Unauthorized for what is wrong. */
  authenticate(exchange: Exchange): Promise<UserInfo | undefined> | UserInfo | undefined
}

/** Finds out whom a bearer token stands for. Also asked by TokenReview, with the audiences that the asker serves. */
export interface TokenAuthenticator {
  authenticateToken(token: string, audiences?: readonly string[]): AuthenticatedToken | undefined
}

export interface AuthenticatedToken {
  readonly user: UserInfo
  /** Those of the asked audiences that the token is good for. */
  readonly audiences: readonly string[]
}

/** A connection's user comes with each of its requests. */
const inAuthenticatedGroup = new WeakMap<UserInfo, UserInfo>()

export function withAuthenticatedGroup(user: UserInfo): UserInfo {
  if (user.groups.includes(AUTHENTICATED_GROUP)) return user
  const known = inAuthenticatedGroup.get(user)
  if (known) return known
  const member = { ...user, groups: [...user.groups, AUTHENTICATED_GROUP] }
  inAuthenticatedGroup.set(user, member)
  return member
}
