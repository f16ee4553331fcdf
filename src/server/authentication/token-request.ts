import type { TokenRequest, TokenRequestSpec } from '../../api/authentication-v1/types.ts'
import { Node, Pod, Secret, ServiceAccount } from '../../api/core-v1/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-error.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { badRequest, conflict, forbiddenTo, invalidObject, notFound } from '../../machinery/status.ts'
import { timeText } from '../../machinery/time.ts'
import { nodeNameOf } from '../authorization/node-authorizer.ts'
import type { ObjectCaches } from '../object-cache.ts'
import type { VirtualResource } from '../resources/virtual-resource.ts'
import type { BoundObject, ServiceAccountTokens } from './service-account-tokens.ts'

const EXPIRES_SECONDS_DEFAULT = 3600
const EXPIRES_SECONDS_MIN = 600
const EXPIRES_SECONDS_MAX = 2 ** 32

/** `serviceaccounts/NAME/token`: a token for an account, bound to what the request says. */
export function tokenRequest({
  tokens,
  caches,
}: {
  tokens: ServiceAccountTokens
  caches: ObjectCaches
}): VirtualResource {
  return async ({ namespace, name, body }, { user }) => {
    const request = body as TokenRequest | undefined
    if (typeof request !== 'object' || request === null || !namespace || !name)
      throw badRequest('a TokenRequest is expected')
    const spec = given(request.spec)
    const problems = problemsOf(spec)
    if (problems.length > 0) throw invalidObject({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', problems)
    const account = await caches.live(ServiceAccount, { namespace, name })
    if (!account) throw notFound({ group: '', resource: 'serviceaccounts' }, name)
    const boundTo = await boundObjectOf(spec, { namespace, account: name, caches })
    requireOwnPod(nodeNameOf(user), boundTo)
    const audiences = spec.audiences && spec.audiences.length > 0 ? spec.audiences : tokens.audiences
    const expiresInSeconds = spec.expirationSeconds ?? EXPIRES_SECONDS_DEFAULT
    const { token, expiresAt } = tokens.issue({ account, audiences, expiresInSeconds, ...(boundTo && { boundTo }) })
    return {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace, creationTimestamp: null },
      spec: { ...(spec as JsonObject), audiences, expirationSeconds: expiresInSeconds },
      status: { token, expirationTimestamp: timeText(expiresAt) },
    }
  }
}

/** A kubelet gets tokens for the Pods on its own machine, and bound to them (NodeRestriction). */
function requireOwnPod(nodeName: string | undefined, boundTo: BoundObject | undefined): void {
  if (nodeName === undefined) return
  const resource = { group: '', resource: 'serviceaccounts' }
  if (boundTo?.kind !== 'Pod') throw forbiddenTo(resource, '', 'node requested token not bound to a pod')
  if (boundTo.node?.name !== nodeName) {
    throw forbiddenTo(resource, '', 'node requested token bound to a pod scheduled on a different node')
  }
}

/** Clients write `null` for what they leave open. */
const given = (spec: TokenRequestSpec | undefined): TokenRequestSpec =>
  Object.fromEntries(Object.entries(spec ?? {}).filter(([, value]) => value !== null))

function problemsOf({ expirationSeconds, boundObjectRef }: TokenRequestSpec): FieldError[] {
  const problems: FieldError[] = []
  if (expirationSeconds !== undefined) {
    if (typeof expirationSeconds !== 'number' || expirationSeconds < EXPIRES_SECONDS_MIN) {
      problems.push(
        invalid('spec.expirationSeconds', expirationSeconds, 'may not specify a duration less than 10 minutes'),
      )
    } else if (expirationSeconds > EXPIRES_SECONDS_MAX) {
      problems.push(
        invalid('spec.expirationSeconds', expirationSeconds, 'may not specify a duration larger than 2^32 seconds'),
      )
    }
  }
  if (boundObjectRef && !boundObjectRef.name) problems.push(required('spec.boundObjectRef.name'))
  return problems
}

async function boundObjectOf(
  { boundObjectRef }: TokenRequestSpec,
  { namespace, account, caches }: { namespace: string; account: string; caches: ObjectCaches },
): Promise<BoundObject | undefined> {
  if (!boundObjectRef) return undefined
  const { kind, uid } = boundObjectRef
  const name = boundObjectRef.name!
  if (kind !== 'Pod' && kind !== 'Secret' && kind !== 'Node') {
    throw badRequest(
      `cannot bind token for serviceaccount "${account}" to an object of kind ${JSON.stringify(kind ?? '')}`,
    )
  }
  const resource = { group: '', resource: `${kind.toLowerCase()}s` }
  const key = kind === 'Node' ? { name } : { namespace, name }
  const object = await (kind === 'Pod'
    ? caches.live(Pod, key)
    : kind === 'Secret'
      ? caches.live(Secret, key)
      : caches.live(Node, key))
  if (!object) throw notFound(resource, name)
  const { uid: actual } = object.metadata
  if (uid && uid !== actual) {
    throw conflict(
      resource,
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    )
  }
  if (object.kind !== 'Pod') return { kind, name, uid: actual }
  const podAccount = object.spec.serviceAccountName || 'default'
  if (podAccount !== account) {
    throw badRequest(
      `cannot bind token for serviceaccount "${account}" to pod running with different serviceaccount name.`,
    )
  }
  const { nodeName } = object.spec
  const node = nodeName ? caches.of(Node).get({ name: nodeName }) : undefined
  return {
    kind,
    name,
    uid: actual,
    ...(nodeName && { node: { name: nodeName, ...(node && { uid: node.metadata.uid }) } }),
  }
}
