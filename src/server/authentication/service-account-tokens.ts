import { Node, Pod, Secret, ServiceAccount } from '../../api/core-v1/types.ts'
import type { Kind, KubernetesObject } from '../../api/kind.ts'
import type { Clock } from '../../machinery/clock.ts'
import { type Random, uuidFrom } from '../../machinery/random.ts'
import type { UserInfo } from '../../registry/resource.ts'
import type { ObjectCaches } from '../object-cache.ts'
import type { AuthenticatedToken, TokenAuthenticator } from './authenticator.ts'
import { type Claims, type TokenKeys, TokenSigner, unverifiedClaims } from './signed-token.ts'

export interface ServiceAccountTokensOptions {
  readonly keys: TokenKeys
  /** Who says so, as a URL: `https://kubernetes.default.svc.cluster.local`. */
  readonly issuer: string
  /** Audiences of the API itself. Default: the issuer. */
  readonly audiences?: readonly string[]
  readonly caches: ObjectCaches
  readonly clock: Clock
  readonly random: Random
}

/** An object whose deletion ends a token. */
export interface BoundObject {
  readonly kind: 'Pod' | 'Secret' | 'Node'
  readonly name: string
  readonly uid: string
  /** Of a Pod: the machine it runs on, named in the token as well. */
  readonly node?: { readonly name: string; readonly uid?: string }
}

export interface IssueOptions {
  readonly account: ServiceAccount
  readonly audiences: readonly string[]
  readonly expiresInSeconds: number
  readonly boundTo?: BoundObject
}

interface PrivateClaims {
  readonly namespace: string
  readonly serviceaccount: Reference
  readonly pod?: Reference
  readonly secret?: Reference
  readonly node?: Reference
}

interface Reference {
  readonly name: string
  readonly uid: string
}

const VERIFIED_MAX = 10_000
const CLOCK_SKEW_SECONDS = 10
const SERVICE_ACCOUNT_PREFIX = 'system:serviceaccount:'

/** Makes and checks the tokens by which Pods show who they are (TokenRequest API, KEP-1205). */
export class ServiceAccountTokens implements TokenAuthenticator {
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly #signer: TokenSigner
  readonly #caches: ObjectCaches
  readonly #clock: Clock
  readonly #random: Random
  /** Signatures are checked once; whether what they bind to still exists, each time. */
  readonly #verified = new Map<string, Claims>()

  constructor({ keys, issuer, audiences, caches, clock, random }: ServiceAccountTokensOptions) {
    this.issuer = issuer
    this.audiences = audiences ?? [issuer]
    this.#signer = new TokenSigner(keys)
    this.#caches = caches
    this.#clock = clock
    this.#random = random
    for (const kind of [ServiceAccount, Pod, Secret, Node] as readonly Kind[]) caches.of(kind)
  }

  issue({ account, audiences, expiresInSeconds, boundTo }: IssueOptions): { token: string; expiresAt: Date } {
    const now = Math.floor(this.#clock.now().getTime() / 1000)
    const { name, namespace, uid } = account.metadata
    const bound = boundTo && { [boundTo.kind.toLowerCase()]: { name: boundTo.name, uid: boundTo.uid } }
    const token = this.#signer.sign({
      aud: audiences,
      exp: now + expiresInSeconds,
      iat: now,
      iss: this.issuer,
      jti: uuidFrom(this.#random),
      'kubernetes.io': {
        namespace,
        ...(boundTo?.node && { node: boundTo.node }),
        ...bound,
        serviceaccount: { name, uid },
      },
      nbf: now,
      sub: `${SERVICE_ACCOUNT_PREFIX}${namespace}:${name}`,
    })
    return { token, expiresAt: new Date((now + expiresInSeconds) * 1000) }
  }

  authenticateToken(token: string, audiences: readonly string[] = this.audiences): AuthenticatedToken | undefined {
    if (unverifiedClaims(token)?.iss !== this.issuer) return undefined
    const claims = this.#verifiedClaims(token)
    if (!claims || !this.#isInTime(claims)) return undefined
    const own = (Array.isArray(claims.aud) ? claims.aud : [claims.aud]) as readonly unknown[]
    const shared = audiences.filter(audience => own.includes(audience))
    if (shared.length === 0) return undefined
    const user = this.#userOf(claims['kubernetes.io'] as PrivateClaims | undefined, claims.jti)
    return user && { user, audiences: shared }
  }

  /** `/openid/v1/jwks`. */
  keySet(): object {
    return this.#signer.keySet()
  }

  #verifiedClaims(token: string): Claims | undefined {
    const known = this.#verified.get(token)
    if (known) return known
    const claims = this.#signer.verify(token)
    if (claims) {
      if (this.#verified.size >= VERIFIED_MAX) this.#verified.delete(this.#verified.keys().next().value!)
      this.#verified.set(token, claims)
    }
    return claims
  }

  #isInTime({ exp, nbf }: Claims): boolean {
    const now = this.#clock.now().getTime() / 1000
    return typeof exp === 'number' && now < exp && (typeof nbf !== 'number' || now >= nbf - CLOCK_SKEW_SECONDS)
  }

  #userOf(claims: PrivateClaims | undefined, id: unknown): UserInfo | undefined {
    if (!claims || !this.#allExist(claims)) return undefined
    const { namespace, serviceaccount, pod, node } = claims
    return {
      name: `${SERVICE_ACCOUNT_PREFIX}${namespace}:${serviceaccount.name}`,
      uid: serviceaccount.uid,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
      extra: {
        'authentication.kubernetes.io/credential-id': [`JTI=${String(id)}`],
        ...(node && { 'authentication.kubernetes.io/node-name': [node.name] }),
        ...(node?.uid && { 'authentication.kubernetes.io/node-uid': [node.uid] }),
        ...(pod && { 'authentication.kubernetes.io/pod-name': [pod.name] }),
        ...(pod && { 'authentication.kubernetes.io/pod-uid': [pod.uid] }),
      },
    }
  }

  /** A token ends with its account and with what it is bound to; one of the same name with another uid is another. */
  #allExist({ namespace, serviceaccount, pod, secret, node }: PrivateClaims): boolean {
    const exists = <T extends KubernetesObject>(
      kind: Kind<T>,
      { name, uid }: Reference,
      inNamespace?: string,
    ): boolean => {
      const object = this.#caches.of(kind).get(inNamespace === undefined ? { name } : { namespace: inNamespace, name })
      return object?.metadata.uid === uid
    }
    return (
      exists(ServiceAccount, serviceaccount, namespace) &&
      (!pod || exists(Pod, pod, namespace)) &&
      (!secret || exists(Secret, secret, namespace)) &&
      // A Pod's token names its machine for information only.
      (!node || pod !== undefined || exists(Node, node))
    )
  }
}
