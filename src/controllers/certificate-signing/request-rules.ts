import type { CertificateSigningRequest } from '../../api/certificates-v1/types.ts'
import type { Node } from '../../api/core-v1/types.ts'
import type { RequestedSubject } from './certificate-signer.ts'

export const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet'
export const KUBELET_SERVING = 'kubernetes.io/kubelet-serving'
export const API_CLIENT = 'kubernetes.io/kube-apiserver-client'

const NODE_PREFIX = 'system:node:'
const NODES = 'system:nodes'
const YEAR_MS = 365 * 86_400_000

/** The signers whose certificates are made here, and what each may certify ("Certificate Signing Requests", signers). */
export type SignerUsage = 'client' | 'server'
export const signerUsageOf = (signerName: string): SignerUsage | undefined => {
  switch (signerName) {
    case KUBELET_CLIENT:
    case API_CLIENT:
      return 'client'
    case KUBELET_SERVING:
      return 'server'
    default:
      return undefined
  }
}

/** What is wrong with the request for its signer; undefined when it may be signed. */
export function signerProblem({ spec }: CertificateSigningRequest, subject: RequestedSubject): string | undefined {
  const usages = new Set<string>(spec.usages ?? [])
  const allowed = new Set([
    'digital signature',
    'key encipherment',
    spec.signerName === KUBELET_SERVING ? 'server auth' : 'client auth',
  ])
  if (
    spec.signerName !== API_CLIENT &&
    (!usages.has('digital signature') || [...usages].some(usage => !allowed.has(usage)))
  ) {
    return `usages did not match those of ${spec.signerName}`
  }
  switch (spec.signerName) {
    case KUBELET_CLIENT:
      return nodeNameProblem(subject) ?? (hasNames(subject) ? 'DNS and IP names are not allowed' : undefined)
    case KUBELET_SERVING:
      return nodeNameProblem(subject) ?? (hasNames(subject) ? undefined : 'at least one DNS or IP name is required')
    case API_CLIENT:
      return usages.has('client auth') ? undefined : 'the usage "client auth" is required'
    default:
      return `${spec.signerName} is no signer of this controller`
  }
}

function nodeNameProblem({ commonName, organizations }: RequestedSubject): string | undefined {
  if (organizations.length !== 1 || organizations[0] !== NODES) return `subject organization is not ${NODES}`
  return commonName.startsWith(NODE_PREFIX) ? undefined : `subject common name does not begin with ${NODE_PREFIX}`
}

const hasNames = ({ dnsNames, ipAddresses }: RequestedSubject): boolean => dnsNames.length + ipAddresses.length > 0

/** The permission by which a kubelet's request for a client certificate is approved; undefined for other requests. */
export function approvalPermissionOf(
  request: CertificateSigningRequest,
  subject: RequestedSubject,
): 'nodeclient' | 'selfnodeclient' | undefined {
  if (request.spec.signerName !== KUBELET_CLIENT || signerProblem(request, subject)) return undefined
  return request.spec.username === subject.commonName ? 'selfnodeclient' : 'nodeclient'
}

/** A machine may have a serving certificate for its own name and addresses, and for nothing else. */
export function isOwnServingRequest(
  request: CertificateSigningRequest,
  subject: RequestedSubject,
  node: Node | undefined,
): boolean {
  const { signerName, username, groups = [] } = request.spec
  if (signerName !== KUBELET_SERVING || signerProblem(request, subject) || !node) return false
  if (username !== subject.commonName || !groups.includes(NODES)) return false
  if (username !== NODE_PREFIX + node.metadata.name) return false
  const own = new Set([node.metadata.name, ...(node.status.addresses ?? []).map(({ address }) => address)])
  return [...subject.dnsNames, ...subject.ipAddresses].every(name => own.has(name))
}

export const nodeNameIn = ({ commonName }: RequestedSubject): string => commonName.slice(NODE_PREFIX.length)

/** As long as asked, at least ten minutes and at most a year. */
export const validForMsOf = ({ spec }: CertificateSigningRequest): number =>
  spec.expirationSeconds === undefined ? YEAR_MS : Math.min(YEAR_MS, Math.max(600, spec.expirationSeconds) * 1000)

const HOUR_MS = 3_600_000

/** How long a request is kept for people to read: an hour once it is settled, a day while nobody has decided. */
export function keptForMs({ status }: CertificateSigningRequest): number {
  const conditions = status?.conditions ?? []
  const isPending = !conditions.some(({ type }) => ['Approved', 'Denied', 'Failed'].includes(type))
  return isPending ? 24 * HOUR_MS : HOUR_MS
}
