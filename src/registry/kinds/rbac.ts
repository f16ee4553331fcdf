import type { AggregationRule, PolicyRule, RoleRef, Subject } from '../../api/rbac-v1/types.ts'
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../api/rbac-v1/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-error.ts'
import { dnsSubdomainProblems } from '../../machinery/names.ts'
import type { Draft } from '../draft.ts'
import { defineKind } from '../kind-definition.ts'
import { age, text, wide } from '../tables/columns.ts'
import { selectorErrors, wellFormed } from './field-rules.ts'
import { immutable } from './workload-validation.ts'

const GROUP = 'rbac.authorization.k8s.io'

/** Names of roles are parts of a path, and nothing more. */
function pathSegmentProblems(name: string): readonly string[] {
  if (name === '') return ['name may not be empty']
  if (name === '.' || name === '..') return [`may not be '${name}'`]
  return ['/', '%'].filter(character => name.includes(character)).map(character => `may not contain '${character}'`)
}

function ruleErrors(
  rules: readonly PolicyRule[] | undefined,
  { isNamespaced }: { isNamespaced: boolean },
): readonly FieldError[] {
  return (rules ?? []).flatMap((rule, index) => {
    const path = `rules[${index}]`
    const errors: FieldError[] = []
    if (!rule.verbs?.length) errors.push(required(`${path}.verbs`, 'verbs must contain at least one value'))
    if (rule.nonResourceURLs?.length) {
      if (isNamespaced) {
        errors.push(
          invalid(
            `${path}.nonResourceURLs`,
            rule.nonResourceURLs,
            'namespaced rules cannot apply to non-resource URLs',
          ),
        )
      }
      if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length) {
        errors.push(
          invalid(
            `${path}.nonResourceURLs`,
            rule.nonResourceURLs,
            'rules cannot apply to both regular resources and non-resource URLs',
          ),
        )
      }
      return errors
    }
    if (!rule.apiGroups?.length)
      errors.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'))
    if (!rule.resources?.length)
      errors.push(required(`${path}.resources`, 'resource rules must supply at least one resource'))
    return errors
  })
}

export const roles = defineKind(Role, {
  nameProblems: pathSegmentProblems,
  createsOnUpdate: true,
  validate: ({ rules }) => ruleErrors(rules, { isNamespaced: true }),
  columns: [{ name: 'Created At', type: 'date', cell: ({ metadata }) => metadata.creationTimestamp }],
})

export const clusterRoles = defineKind(ClusterRole, {
  nameProblems: pathSegmentProblems,
  createsOnUpdate: true,
  validate: ({ rules, aggregationRule }) => [
    ...ruleErrors(rules, { isNamespaced: false }),
    ...(aggregationRule ? aggregationErrors(aggregationRule) : []),
  ],
  columns: [{ name: 'Created At', type: 'date', cell: ({ metadata }) => metadata.creationTimestamp }],
})

function aggregationErrors({ clusterRoleSelectors = [] }: AggregationRule): readonly FieldError[] {
  const path = 'aggregationRule.clusterRoleSelectors'
  if (clusterRoleSelectors.length === 0) {
    return [required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')]
  }
  return clusterRoleSelectors.flatMap((selector, index) => selectorErrors(selector, `${path}[${index}]`))
}

interface BindingFields {
  readonly roleRef: RoleRef
  readonly subjects?: readonly Subject[]
}

function defaultBinding({ roleRef, subjects }: Draft<BindingFields>): void {
  if (roleRef && !roleRef.apiGroup) roleRef.apiGroup = GROUP
  for (const subject of subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= GROUP
  }
}

function bindingErrors({ roleRef, subjects = [] }: BindingFields, roleKinds: readonly string[]): readonly FieldError[] {
  const errors: FieldError[] = []
  if (roleRef?.apiGroup !== GROUP) errors.push(notSupported('roleRef.apiGroup', roleRef?.apiGroup ?? '', [GROUP]))
  if (!roleKinds.includes(roleRef?.kind)) errors.push(notSupported('roleRef.kind', roleRef?.kind ?? '', roleKinds))
  if (!roleRef?.name) errors.push(required('roleRef.name'))
  else errors.push(...pathSegmentProblems(roleRef.name).map(problem => invalid('roleRef.name', roleRef.name, problem)))
  subjects.forEach((subject, index) => {
    const path = `subjects[${index}]`
    if (!subject.name) errors.push(required(`${path}.name`))
    switch (subject.kind) {
      case 'ServiceAccount':
        if (subject.apiGroup) errors.push(notSupported(`${path}.apiGroup`, subject.apiGroup, ['']))
        if (subject.name) {
          errors.push(...wellFormed(subject.name, { path: `${path}.name`, problems: dnsSubdomainProblems }))
        }
        if (!subject.namespace) errors.push(required(`${path}.namespace`))
        break
      case 'User':
      case 'Group':
        if (subject.apiGroup !== GROUP) errors.push(notSupported(`${path}.apiGroup`, subject.apiGroup, [GROUP]))
        break
      default:
        errors.push(notSupported(`${path}.kind`, subject.kind, ['ServiceAccount', 'User', 'Group']))
    }
  })
  return errors
}

const subjectsText =
  (kind: string) =>
  ({ subjects = [] }: BindingFields): string =>
    subjects
      .filter(subject => subject.kind === kind)
      .map(({ namespace, name }) => (namespace ? `${namespace}/${name}` : name))
      .join(', ')

const roleText = ({ roleRef }: BindingFields): string => `${roleRef.kind}/${roleRef.name}`

const subjectColumns = [
  wide(text<BindingFields>('Users', subjectsText('User'))),
  wide(text<BindingFields>('Groups', subjectsText('Group'))),
  wide(text<BindingFields>('ServiceAccounts', subjectsText('ServiceAccount'))),
]

export const roleBindings = defineKind(RoleBinding, {
  nameProblems: pathSegmentProblems,
  createsOnUpdate: true,
  defaults: defaultBinding,
  validate: binding => bindingErrors(binding, ['Role', 'ClusterRole']),
  validateUpdate: (next, old) =>
    immutable(next.roleRef, old.roleRef, 'roleRef').map(error => ({
      ...error,
      message: `Invalid value: ${JSON.stringify(next.roleRef)}: cannot change roleRef`,
    })),
  columns: [text('Role', roleText), age, ...subjectColumns],
})

export const clusterRoleBindings = defineKind(ClusterRoleBinding, {
  nameProblems: pathSegmentProblems,
  createsOnUpdate: true,
  defaults: defaultBinding,
  validate: binding => bindingErrors(binding, ['ClusterRole']),
  validateUpdate: (next, old) =>
    immutable(next.roleRef, old.roleRef, 'roleRef').map(error => ({
      ...error,
      message: `Invalid value: ${JSON.stringify(next.roleRef)}: cannot change roleRef`,
    })),
  columns: [text('Role', roleText), age, ...subjectColumns],
})
