import { forbiddenTo, type StatusError, statusErrorFrom } from '../../machinery/status.ts'
import type { Attributes, Authorizer } from './authorizer.ts'

/** Throws Forbidden, in upstream's words, unless the attributes are allowed. */
export function requireAllowed(authorizer: Authorizer, attributes: Attributes): void {
  const { verdict, reason } = authorizer.authorize(attributes)
  if (verdict !== 'allow') throw forbidden(attributes, reason)
}

function forbidden(attributes: Attributes, reason = ''): StatusError {
  const why = reason ? `${refusalText(attributes)}: ${reason}` : refusalText(attributes)
  if (!attributes.isResource) {
    return statusErrorFrom({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `forbidden: ${why}`,
      reason: 'Forbidden',
      details: {},
      code: 403,
    })
  }
  const { group, resource, name } = attributes
  return forbiddenTo({ group, resource }, name, why)
}

function refusalText(attributes: Attributes): string {
  const who = `User ${JSON.stringify(attributes.user.name)} cannot ${attributes.verb}`
  if (!attributes.isResource) return `${who} path ${JSON.stringify(attributes.path)}`
  const { group, resource, subresource, namespace } = attributes
  const what = subresource ? `${resource}/${subresource}` : resource
  const where = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope'
  return `${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}`
}
