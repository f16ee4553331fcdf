import { timingSafeEqual } from 'node:crypto'
import { Secret } from '../../api/core-v1/types.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { ObjectCache, ObjectCaches } from '../object-cache.ts'
import type { AuthenticatedToken, TokenAuthenticator } from './authenticator.ts'

const NAMESPACE = 'kube-system'
const TYPE = 'bootstrap.kubernetes.io/token'
const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/
const DEFAULT_GROUP = 'system:bootstrappers'

/** Tokens by which new machines ask for a certificate: Secrets in kube-system that name themselves and their end. */
export class BootstrapTokens implements TokenAuthenticator {
  readonly #secrets: ObjectCache<Secret>
  readonly #clock: Clock

  constructor({ caches, clock }: { caches: ObjectCaches; clock: Clock }) {
    this.#secrets = caches.of(Secret)
    this.#clock = clock
  }

  authenticateToken(token: string): AuthenticatedToken | undefined {
    const match = TOKEN.exec(token)
    if (!match) return undefined
    const [, id, secretText] = match
    const secret = this.#secrets.get({ namespace: NAMESPACE, name: `bootstrap-token-${id}` })
    if (!secret || secret.type !== TYPE || secret.metadata.deletionTimestamp) return undefined
    const value = (key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString('utf8')
    if (value('token-id') !== id || !isSame(value('token-secret'), secretText!)) return undefined
    if (value('usage-bootstrap-authentication') !== 'true' || this.#isOver(value('expiration'))) return undefined
    const groups = value('auth-extra-groups')
      .split(',')
      .filter(group => GROUP.test(group))
    return { user: { name: `system:bootstrap:${id}`, groups: [DEFAULT_GROUP, ...groups] }, audiences: [] }
  }

  #isOver(expiration: string): boolean {
    if (expiration === '') return false
    const end = Date.parse(expiration)
    return Number.isNaN(end) || end <= this.#clock.now().getTime()
  }
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
