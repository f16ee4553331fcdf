import type { SelfSubjectRulesReviewSpec, SubjectAccessReviewSpec } from '../../api/authorization-v1/types.ts'
import type { PolicyRule } from '../../api/rbac-v1/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { badRequest } from '../../machinery/status.ts'
import type { UserInfo } from '../../registry/resource.ts'
import type { VirtualResource } from '../resources/virtual-resource.ts'
import { type Attributes, type Authorizer, MASTERS_GROUP } from './authorizer.ts'
import { ruleText } from './policy-rules.ts'
import type { Rbac } from './rbac.ts'

const GROUP_VERSION = 'authorization.k8s.io/v1'
type AccessSpec = Partial<SubjectAccessReviewSpec>

/** `kubectl auth can-i`: may I? */
export const selfSubjectAccessReview = (authorizer: Authorizer): VirtualResource =>
  accessReview('SelfSubjectAccessReview', authorizer, (_, user) => user)

/** May that user? */
export const subjectAccessReview = (authorizer: Authorizer): VirtualResource =>
  accessReview('SubjectAccessReview', authorizer, namedUser)

/** May that user, in this namespace? */
export const localSubjectAccessReview = (authorizer: Authorizer): VirtualResource => {
  const review = accessReview('LocalSubjectAccessReview', authorizer, namedUser)
  return (call, context) => {
    const spec = specOf<AccessSpec>(call.body)
    if (!spec.resourceAttributes) throw badRequest('spec.resourceAttributes is required for LocalSubjectAccessReview')
    if (spec.resourceAttributes.namespace !== call.namespace) {
      throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${call.namespace}`)
    }
    return review(call, context)
  }
}

function namedUser({ user = '', groups = [], uid, extra }: AccessSpec): UserInfo {
  if (user === '' && groups.length === 0) throw badRequest('at least one of user or group must be specified')
  return { name: user, groups, ...(uid && { uid }), ...(extra && { extra }) }
}

function accessReview(
  kind: string,
  authorizer: Authorizer,
  whom: (spec: AccessSpec, asker: UserInfo) => UserInfo,
): VirtualResource {
  return ({ body, namespace }, { user }) => {
    const spec = specOf<AccessSpec>(body)
    const { verdict, reason } = authorizer.authorize(attributesOf(spec, whom(spec, user)))
    return {
      kind,
      apiVersion: GROUP_VERSION,
      metadata: { creationTimestamp: null, ...(namespace && { namespace }) },
      spec: spec as JsonObject,
      status: {
        allowed: verdict === 'allow',
        ...(verdict === 'deny' && { denied: true }),
        ...(reason && { reason }),
      },
    }
  }
}

function specOf<T>(body: unknown): T {
  const spec = (body as JsonObject | null | undefined)?.spec
  if (typeof spec !== 'object' || spec === null) throw badRequest('spec is required')
  return spec as T
}

function attributesOf({ resourceAttributes, nonResourceAttributes }: AccessSpec, user: UserInfo): Attributes {
  if (Boolean(resourceAttributes) === Boolean(nonResourceAttributes)) {
    throw badRequest('exactly one of nonResourceAttributes or resourceAttributes must be specified')
  }
  if (nonResourceAttributes) {
    const { path = '', verb = '' } = nonResourceAttributes
    return { isResource: false, user, verb, path }
  }
  const {
    verb = '',
    group = '',
    version = '',
    resource = '',
    subresource = '',
    namespace = '',
    name = '',
  } = resourceAttributes!
  return { isResource: true, user, verb, group, version, resource, subresource, namespace, name }
}

const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/** `kubectl auth can-i --list`: what may I do in this namespace? */
export const selfSubjectRulesReview =
  (rbac: Rbac): VirtualResource =>
  ({ body }, { user }) => {
    const spec = specOf<SelfSubjectRulesReviewSpec>(body)
    if (!spec.namespace) throw badRequest('no namespace on request')
    const masters = user.groups.includes(MASTERS_GROUP) ? EVERYTHING : []
    const rules = once([...masters, ...rbac.rulesFor(user, spec.namespace)])
    return {
      kind: 'SelfSubjectRulesReview',
      apiVersion: GROUP_VERSION,
      metadata: { creationTimestamp: null },
      spec: spec as JsonObject,
      status: {
        incomplete: false,
        resourceRules: rules.filter(({ resources }) => resources && resources.length > 0).map(resourceRule),
        nonResourceRules: rules
          .filter(({ nonResourceURLs }) => nonResourceURLs && nonResourceURLs.length > 0)
          .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })) as unknown as JsonObject[],
      },
    }
  }

/** Several roles may grant the same. */
const once = (rules: readonly PolicyRule[]): PolicyRule[] => [
  ...new Map(rules.map(rule => [ruleText(rule), rule])).values(),
]

const resourceRule = ({ verbs, apiGroups, resources, resourceNames }: PolicyRule): JsonObject => ({
  verbs,
  ...(apiGroups && { apiGroups }),
  ...(resources && { resources }),
  ...(resourceNames && { resourceNames }),
})
