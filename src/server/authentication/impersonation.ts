import { badRequest } from '../../machinery/status.ts'
import type { UserInfo } from '../../registry/resource.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import { requireAllowed } from '../authorization/forbidden.ts'
import type { Exchange } from '../http/exchange.ts'
import { ANONYMOUS, AUTHENTICATED_GROUP } from './authenticator.ts'

const EXTRA_PREFIX = 'impersonate-extra-'
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/

/** Whom the request asks to act as (`kubectl --as`), after checking that the user may. Undefined when it asks nothing. */
export function impersonated(exchange: Exchange, user: UserInfo, authorizer: Authorizer): UserInfo | undefined {
  const { headers } = exchange
  if (!asksForAny(headers)) return undefined
  const name = single(headers['impersonate-user'])
  const groups = all(headers['impersonate-group'])
  const uid = single(headers['impersonate-uid'])
  const extra = extraOf(exchange)
  if (!name) {
    if (groups.length > 0 || uid || extra.size > 0) {
      throw badRequest('requested impersonation of groups, uid or extra without impersonating a user')
    }
    return undefined
  }
  requireImpersonation({ user, authorizer, name, groups, uid, extra })
  return {
    name,
    ...(uid && { uid }),
    groups: groupsOf(name, groups),
    ...(extra.size > 0 && { extra: Object.fromEntries(extra) }),
  }
}

function asksForAny(headers: Exchange['headers']): boolean {
  for (const header in headers) if (header.startsWith('impersonate-')) return true
  return false
}

const single = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : header?.[0]

/** Node joins repeated headers with a comma and a space. */
const all = (header: string | readonly string[] | undefined): string[] => {
  const texts = typeof header === 'string' ? [header] : (header ?? [])
  return texts.flatMap(text => text.split(', ')).filter(text => text !== '')
}

function extraOf({ headers }: Exchange): Map<string, readonly string[]> {
  const extra = new Map<string, readonly string[]>()
  for (const header in headers) {
    if (!header.startsWith(EXTRA_PREFIX)) continue
    extra.set(decodeURIComponent(header.slice(EXTRA_PREFIX.length)), all(headers[header]))
  }
  return extra
}

function requireImpersonation(asked: {
  user: UserInfo
  authorizer: Authorizer
  name: string
  groups: readonly string[]
  uid: string | undefined
  extra: ReadonlyMap<string, readonly string[]>
}): void {
  const { user, authorizer } = asked
  const require = (rest: {
    resource: string
    name: string
    group?: string
    namespace?: string
    subresource?: string
  }) =>
    requireAllowed(authorizer, {
      isResource: true,
      user,
      verb: 'impersonate',
      group: '',
      version: 'v1',
      subresource: '',
      namespace: '',
      ...rest,
    })
  const account = SERVICE_ACCOUNT.exec(asked.name)
  if (account) require({ resource: 'serviceaccounts', namespace: account[1]!, name: account[2]! })
  else require({ resource: 'users', name: asked.name })
  for (const group of asked.groups) require({ resource: 'groups', name: group })
  const group = 'authentication.k8s.io'
  if (asked.uid) require({ resource: 'uids', group, name: asked.uid })
  for (const [key, values] of asked.extra) {
    for (const value of values) require({ resource: 'userextras', subresource: key, group, name: value })
  }
}

/** Without groups of its own, a service account gets those that its tokens carry. */
function groupsOf(name: string, groups: readonly string[]): readonly string[] {
  if (name === ANONYMOUS.name) return groups.length > 0 ? groups : ANONYMOUS.groups
  const account = SERVICE_ACCOUNT.exec(name)
  const own =
    account && groups.length === 0 ? ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`] : groups
  return own.includes(AUTHENTICATED_GROUP) ? own : [...own, AUTHENTICATED_GROUP]
}
