import { unauthorized } from '../../machinery/status.ts'
import type { UserInfo } from '../../registry/resource.ts'
import type { Exchange } from '../http/exchange.ts'
import { type Authenticator, type TokenAuthenticator, withAuthenticatedGroup } from './authenticator.ts'

/** The user named by the client's certificate, as the TLS listener verified it. */
export const certificateAuthenticator: Authenticator = {
  authenticate({ peer }) {
    if (peer.certificateProblem) throw unauthorized()
    return peer.certificateUser
  },
}

/** The user of an `Authorization: Bearer` header, or of the subprotocol by which browsers send one. */
export function bearerAuthenticator(authenticators: readonly TokenAuthenticator[]): Authenticator {
  return {
    authenticate(exchange) {
      const token = bearerTokenOf(exchange)
      if (token === undefined) return undefined
      for (const authenticator of authenticators) {
        const authenticated = authenticator.authenticateToken(token)
        if (authenticated) return authenticated.user
      }
      throw unauthorized()
    },
  }
}

const WEBSOCKET_TOKEN = 'base64url.bearer.authorization.k8s.io.'

function bearerTokenOf({ headers }: Exchange): string | undefined {
  const match = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')
  if (match) return match[1]
  if (headers.authorization) throw unauthorized()
  const protocols = headers['sec-websocket-protocol']?.split(',').map(protocol => protocol.trim())
  const carrier = protocols?.find(protocol => protocol.startsWith(WEBSOCKET_TOKEN))
  return carrier && Buffer.from(carrier.slice(WEBSOCKET_TOKEN.length), 'base64url').toString('utf8')
}

/** Asks one authenticator after the other. Undefined when the request shows no credentials at all. */
export function authenticated(
  authenticators: readonly Authenticator[],
  exchange: Exchange,
): Promise<UserInfo | undefined> | UserInfo | undefined {
  const [first, ...others] = authenticators
  if (!first) return undefined
  const goOn = (user: UserInfo | undefined): ReturnType<typeof authenticated> =>
    user ? withAuthenticatedGroup(user) : authenticated(others, exchange)
  const user = first.authenticate(exchange)
  return user instanceof Promise ? user.then(goOn) : goOn(user)
}
