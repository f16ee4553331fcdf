import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/** Signs tokens of service accounts, and verifies those signed by this key or an earlier one. */
export interface TokenKeys {
  /** PEM of the private key: P-256 (ES256) or RSA (RS256). */
  readonly signing: string
  /** PEM of further public keys whose tokens are still good, for example of the key before. */
  readonly verifying?: readonly string[]
}

export type Claims = { readonly [name: string]: unknown }

interface Key {
  readonly id: string
  readonly algorithm: 'ES256' | 'RS256'
  readonly public: KeyObject
}

const json = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/**
 * JSON web tokens (RFC 7519) in compact form (RFC 7515). The library for them works on other threads; a token that is made
 * or checked in one step keeps simulated clusters replayable, and the two algorithms need no more than node's own.
 */
export class TokenSigner {
  readonly #private: KeyObject
  readonly #own: Key
  readonly #keys: ReadonlyMap<string, Key>

  constructor({ signing, verifying = [] }: TokenKeys) {
    this.#private = createPrivateKey(signing)
    this.#own = keyOf(createPublicKey(this.#private))
    const others = verifying.map(pem => keyOf(createPublicKey(pem)))
    this.#keys = new Map([this.#own, ...others].map(key => [key.id, key]))
  }

  sign(claims: Claims): string {
    const { algorithm, id } = this.#own
    const content = `${json({ alg: algorithm, kid: id })}.${json(claims)}`
    const signature = sign('sha256', Buffer.from(content), { key: this.#private, dsaEncoding: 'ieee-p1363' })
    return `${content}.${signature.toString('base64url')}`
  }

  /** The claims, when one of our keys signed them. Says nothing about whether they still hold. */
  verify(token: string): Claims | undefined {
    const [header, claims, signature, ...rest] = token.split('.')
    if (!header || !claims || !signature || rest.length > 0) return undefined
    const { alg, kid } = parsed(header) ?? {}
    const key = this.#keys.get(String(kid))
    // The algorithm is the key's: a token does not choose by what it is checked.
    if (!key || alg !== key.algorithm) return undefined
    const content = Buffer.from(`${header}.${claims}`)
    const isSigned = verify(
      'sha256',
      content,
      { key: key.public, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    )
    return isSigned ? parsed(claims) : undefined
  }

  /** The public keys, as a JSON web key set (RFC 7517). */
  keySet(): object {
    const keys = [...this.#keys.values()].map(({ id, algorithm, public: key }) => ({
      use: 'sig',
      kid: id,
      alg: algorithm,
      ...key.export({ format: 'jwk' }),
    }))
    return { keys }
  }
}

/** What a token says of itself, without asking whether it is true: to see whose it claims to be. */
export function unverifiedClaims(token: string): Claims | undefined {
  const [, claims] = token.split('.')
  return claims === undefined ? undefined : parsed(claims)
}

function parsed(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Claims) : undefined
  } catch {
    return undefined
  }
}

function keyOf(key: KeyObject): Key {
  const algorithm = key.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256'
  const id = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  return { id, algorithm, public: key }
}
