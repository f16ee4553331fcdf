import type { UserInfo } from '../../registry/resource.ts'

/** What somebody wants to do, as rules are written about it (authorization.k8s.io/v1). */
export type Attributes = ResourceAttributes | PathAttributes

export interface ResourceAttributes {
  readonly isResource: true
  readonly user: UserInfo
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly resource: string
  /** Empty for the resource itself. */
  readonly subresource: string
  /** Empty for all namespaces, or for a resource outside of them. */
  readonly namespace: string
  readonly name: string
}

export interface PathAttributes {
  readonly isResource: false
  readonly user: UserInfo
  readonly verb: string
  readonly path: string
}

export interface Decision {
  readonly verdict: 'allow' | 'deny' | 'noOpinion'
  /** Why, for the one who asks `kubectl auth can-i` or is refused. */
  readonly reason?: string
}

/** Decides from memory, without waiting. */
export interface Authorizer {
  authorize(attributes: Attributes): Decision
}

export const ALLOWED: Decision = { verdict: 'allow' }
export const NO_OPINION: Decision = { verdict: 'noOpinion' }

/** The first authorizer with an opinion decides; without one the answer is no. */
export function authorizerChain(authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize(attributes) {
      const reasons: string[] = []
      for (const authorizer of authorizers) {
        const decision = authorizer.authorize(attributes)
        if (decision.verdict !== 'noOpinion') return decision
        if (decision.reason) reasons.push(decision.reason)
      }
      return reasons.length > 0 ? { verdict: 'noOpinion', reason: reasons.join(', ') } : NO_OPINION
    },
  }
}

export const MASTERS_GROUP = 'system:masters'

/** Members of `system:masters` may do everything, also when no role says so: the way in when RBAC is broken. */
export const mastersAuthorizer: Authorizer = {
  authorize: ({ user }) => (user.groups.includes(MASTERS_GROUP) ? ALLOWED : NO_OPINION),
}

export const allowAll: Authorizer = { authorize: () => ALLOWED }
