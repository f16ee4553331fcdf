import type { ClusterRole, ClusterRoleBinding, PolicyRule, RoleBinding } from '../../api/rbac-v1/types.ts'
import type { AdmissionPlugin, AdmissionRequest, UserInfo } from '../../registry/resource.ts'
import { type Authorizer, MASTERS_GROUP } from '../authorization/authorizer.ts'
import { compactRules, ruleText, uncoveredRules } from '../authorization/policy-rules.ts'
import type { Rbac } from '../authorization/rbac.ts'
import { refusal } from './admission-plugin.ts'

const GROUP = 'rbac.authorization.k8s.io'

/** Nobody grants what they do not have, unless a role lets them `escalate` or `bind`. */
export function roleEscalation(rbac: Rbac, authorizer: Authorizer): AdmissionPlugin {
  const may = (request: AdmissionRequest, verb: string, resource: string, name: string): boolean =>
    authorizer.authorize({
      isResource: true,
      user: request.user,
      verb,
      group: GROUP,
      version: 'v1',
      resource,
      subresource: '',
      namespace: request.namespace ?? '',
      name,
    }).verdict === 'allow'

  return {
    name: 'RoleEscalation',
    concerns: ({ group }) => group === GROUP,
    validate(request) {
      if (request.operation === 'DELETE') return undefined
      const { user, object, oldObject, namespace = '' } = request
      if (user.groups.includes(MASTERS_GROUP)) return undefined
      const wanted = wantedRules(request, rbac)
      if (!wanted || isSameGrant(object, oldObject)) return undefined
      if (wanted.lifting.some(({ verb, resource, name }) => may(request, verb, resource, name))) return undefined
      requireCovered(request, { rbac, user, namespace, wanted: wanted.rules })
      return undefined
    },
  }
}

interface Wanted {
  readonly rules: readonly PolicyRule[]
  /** Any of these verbs lifts the check. */
  readonly lifting: readonly { verb: string; resource: string; name: string }[]
}

function wantedRules(
  { resource, object, namespace = '', name = '' }: AdmissionRequest,
  rbac: Rbac,
): Wanted | undefined {
  switch (resource.plural) {
    case 'roles':
    case 'clusterroles': {
      const role = object as unknown as Pick<ClusterRole, 'rules' | 'aggregationRule'>
      const rules = role.aggregationRule
        ? [
            { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
            { verbs: ['*'], nonResourceURLs: ['*'] },
          ]
        : (role.rules ?? [])
      return { rules, lifting: [{ verb: 'escalate', resource: resource.plural, name }] }
    }
    case 'rolebindings':
    case 'clusterrolebindings': {
      const { roleRef } = object as unknown as RoleBinding | ClusterRoleBinding
      const lifting = [
        { verb: 'bind', resource: roleRef.kind === 'Role' ? 'roles' : 'clusterroles', name: roleRef.name },
      ]
      return { rules: rbac.rulesOf(roleRef, namespace) ?? [], lifting }
    }
    default:
      return undefined
  }
}

/** What only changes names or labels grants nothing new. */
function isSameGrant(next: unknown, old: unknown): boolean {
  if (!old) return false
  const grant = (value: unknown): string => {
    const { rules, aggregationRule, subjects, roleRef } = value as Partial<ClusterRole & RoleBinding>
    return JSON.stringify([rules, aggregationRule, subjects, roleRef])
  }
  return grant(next) === grant(old)
}

function requireCovered(
  request: AdmissionRequest,
  { rbac, user, namespace, wanted }: { rbac: Rbac; user: UserInfo; namespace: string; wanted: readonly PolicyRule[] },
): void {
  const missing = uncoveredRules(rbac.rulesFor(user, namespace), wanted)
  if (missing.length === 0) return
  const groups = user.groups.map(group => JSON.stringify(group)).join(' ')
  const lines = compactRules(missing).map(ruleText).sort()
  throw refusal(
    request,
    `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}`,
  )
}
