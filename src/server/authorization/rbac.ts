import {
  ClusterRole,
  ClusterRoleBinding,
  type PolicyRule,
  Role,
  RoleBinding,
  type RoleRef,
  type Subject,
} from '../../api/rbac-v1/types.ts'
import { matchesLabels, requirementsOf } from '../../machinery/selectors.ts'
import type { UserInfo } from '../../registry/resource.ts'
import type { ObjectCache, ObjectCaches } from '../object-cache.ts'
import { type Attributes, type Authorizer, type Decision, NO_OPINION } from './authorizer.ts'
import { ruleAllows } from './policy-rules.ts'

/** Role-based access: whoever is bound to a role may do what its rules say. Decided from memory. */
export class Rbac implements Authorizer {
  readonly #clusterRoles: ObjectCache<ClusterRole>
  readonly #roles: ObjectCache<Role>
  readonly #clusterBindings = new SubjectIndex<ClusterRoleBinding>()
  readonly #bindings = new Map<string, SubjectIndex<RoleBinding>>()

  constructor(caches: ObjectCaches) {
    this.#clusterRoles = caches.of(ClusterRole)
    this.#roles = caches.of(Role)
    caches.of(ClusterRoleBinding).subscribe(({ object, previous }) => {
      if (previous) this.#clusterBindings.remove(previous)
      if (object) this.#clusterBindings.add(object)
    })
    caches.of(RoleBinding).subscribe(({ object, previous }) => {
      if (previous) this.#namespaceIndex(previous.metadata.namespace).remove(previous)
      if (object) this.#namespaceIndex(object.metadata.namespace).add(object)
    })
  }

  authorize(attributes: Attributes): Decision {
    for (const { rules, reason } of this.#grants(attributes.user, namespaceOf(attributes))) {
      if (rules.some(rule => ruleAllows(rule, attributes)))
        return { verdict: 'allow', reason: `RBAC: allowed by ${reason}` }
    }
    return NO_OPINION
  }

  /** Everything that the user may do in this namespace (empty: cluster-wide grants only). */
  rulesFor(user: UserInfo, namespace: string): readonly PolicyRule[] {
    return [...this.#grants(user, namespace)].flatMap(({ rules }) => rules)
  }

  /** What a role allows; an aggregated one, what all the roles that it selects allow. Undefined when there is none. */
  rulesOf({ kind, name }: Pick<RoleRef, 'kind' | 'name'>, namespace: string): readonly PolicyRule[] | undefined {
    if (kind === 'Role')
      return this.#roles.get({ namespace, name })?.rules ?? (this.#roles.get({ namespace, name }) && [])
    const role = this.#clusterRoles.get({ name })
    return role && this.#clusterRules(role)
  }

  #clusterRules(role: ClusterRole): readonly PolicyRule[] {
    const selectors = role.aggregationRule?.clusterRoleSelectors?.map(requirementsOf) ?? []
    if (selectors.length === 0) return role.rules ?? []
    const selected = [...this.#clusterRoles.list()].filter(
      ({ metadata }) =>
        metadata.name !== role.metadata.name && selectors.some(selector => matchesLabels(selector, metadata.labels)),
    )
    return selected.flatMap(({ rules }) => rules ?? [])
  }

  *#grants(user: UserInfo, namespace: string): Iterable<{ rules: readonly PolicyRule[]; reason: string }> {
    const keys = subjectKeysOf(user)
    for (const { metadata, roleRef } of this.#clusterBindings.find(keys)) {
      const rules = this.rulesOf(roleRef, '')
      if (rules) yield { rules, reason: `ClusterRoleBinding "${metadata.name}" of ${roleRef.kind} "${roleRef.name}"` }
    }
    if (namespace === '') return
    for (const { metadata, roleRef } of this.#bindings.get(namespace)?.find(keys) ?? []) {
      const rules = this.rulesOf(roleRef, namespace)
      const binding = `RoleBinding "${metadata.name}/${namespace}"`
      if (rules) yield { rules, reason: `${binding} of ${roleRef.kind} "${roleRef.name}"` }
    }
  }

  #namespaceIndex(namespace: string): SubjectIndex<RoleBinding> {
    const index = this.#bindings.get(namespace) ?? new SubjectIndex<RoleBinding>()
    this.#bindings.set(namespace, index)
    return index
  }
}

const namespaceOf = (attributes: Attributes): string => (attributes.isResource ? attributes.namespace : '')

const userKey = (name: string): string => `User ${name}`
const groupKey = (name: string): string => `Group ${name}`

const subjectKeysOf = ({ name, groups }: UserInfo): string[] => [userKey(name), ...groups.map(groupKey)]

/** A service account is a user with a name that nobody else can have. */
function subjectKey({ kind, name, namespace }: Subject, bindingNamespace: string | undefined): string {
  if (kind === 'Group') return groupKey(name)
  if (kind === 'ServiceAccount') return userKey(`system:serviceaccount:${namespace ?? bindingNamespace ?? ''}:${name}`)
  return userKey(name)
}

type Binding = ClusterRoleBinding | RoleBinding

/** Bindings by whom they bind. */
class SubjectIndex<B extends Binding> {
  readonly #bySubject = new Map<string, Map<string, B>>()

  add(binding: B): void {
    for (const key of keysOf(binding)) {
      const own = this.#bySubject.get(key) ?? new Map<string, B>()
      this.#bySubject.set(key, own)
      own.set(binding.metadata.name, binding)
    }
  }

  remove(binding: B): void {
    for (const key of keysOf(binding)) {
      const own = this.#bySubject.get(key)
      own?.delete(binding.metadata.name)
      if (own?.size === 0) this.#bySubject.delete(key)
    }
  }

  *find(keys: readonly string[]): Iterable<B> {
    for (const key of keys) yield* this.#bySubject.get(key)?.values() ?? []
  }
}

const keysOf = ({ subjects = [], metadata }: Binding): string[] =>
  subjects.map(subject => subjectKey(subject, metadata.namespace))
