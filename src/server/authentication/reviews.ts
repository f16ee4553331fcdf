import type { TokenReviewSpec } from '../../api/authentication-v1/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { badRequest } from '../../machinery/status.ts'
import type { UserInfo } from '../../registry/resource.ts'
import type { VirtualResource } from '../resources/virtual-resource.ts'
import { type TokenAuthenticator, withAuthenticatedGroup } from './authenticator.ts'

/** A user as reviews show it. */
const userDocument = ({ name, uid, groups, extra }: UserInfo): JsonObject => ({
  username: name,
  ...(uid && { uid }),
  groups,
  ...(extra && { extra }),
})

/** `kubectl auth whoami`. */
export const selfSubjectReview: VirtualResource = (_, { user }) => ({
  kind: 'SelfSubjectReview',
  apiVersion: 'authentication.k8s.io/v1',
  metadata: { creationTimestamp: null },
  status: { userInfo: userDocument(user) },
})

/** Says whom a token stands for: kubelets and webhooks ask this. */
export function tokenReview(authenticators: readonly TokenAuthenticator[]): VirtualResource {
  return ({ body }) => {
    const spec = (body as JsonObject | null)?.spec as Partial<TokenReviewSpec> | undefined
    if (typeof spec?.token !== 'string' || spec.token === '')
      throw badRequest('token is required for TokenReview in authentication')
    return {
      kind: 'TokenReview',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { creationTimestamp: null },
      spec: spec as JsonObject,
      status: statusOf(spec.token, spec.audiences, authenticators),
    }
  }
}

function statusOf(
  token: string,
  audiences: readonly string[] | undefined,
  authenticators: readonly TokenAuthenticator[],
): JsonObject {
  const asked = audiences && audiences.length > 0 ? audiences : undefined
  for (const authenticator of authenticators) {
    const found = authenticator.authenticateToken(token, asked)
    if (!found) continue
    return {
      authenticated: true,
      user: userDocument(withAuthenticatedGroup(found.user)),
      ...(found.audiences.length > 0 && { audiences: found.audiences }),
    }
  }
  return { user: {}, error: 'invalid bearer token' }
}
