import { SubjectAccessReview } from '../../api/authorization-v1/types.ts'
import { CertificateSigningRequest } from '../../api/certificates-v1/types.ts'
import { Node } from '../../api/core-v1/types.ts'
import {
  type ControllerDefinition,
  controllerFor,
  type Dependencies,
  type Reconciler,
} from '../../client/controller.ts'
import type { JsonValue } from '../../machinery/json.ts'
import { timeOf, timeText } from '../../machinery/time.ts'
import { messageOf } from '../attempt-all.ts'
import { Expectations, UNSEEN_WRITE_RECHECK_MS } from '../expectations.ts'
import type { CertificateSigner, RequestedSubject } from './certificate-signer.ts'
import {
  approvalPermissionOf,
  isOwnServingRequest,
  keptForMs,
  nodeNameIn,
  signerProblem,
  signerUsageOf,
  validForMsOf,
} from './request-rules.ts'

export const certificateSigningController = (signer: CertificateSigner): ControllerDefinition =>
  controllerFor(CertificateSigningRequest, { name: 'certificate-signing' })
    .watches(Node, () => [])
    .reconciledBy(dependencies => certificateSigningReconciler(dependencies, signer))

type Condition = 'Approved' | 'Failed'

/** Approves what kubelets may ask for, signs what is approved, and forgets old requests. */
export function certificateSigningReconciler(dependencies: Dependencies, signer: CertificateSigner): Reconciler {
  const { client, informers, clock } = dependencies
  const expectations = new Expectations(dependencies)

  return async function reconcile(key) {
    const request = informers.informer(CertificateSigningRequest).get(key)
    if (!request) {
      expectations.forget(key)
      return {}
    }
    if (!(await expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }
    const ageMs = clock.now().getTime() - timeOf(request.metadata.creationTimestamp).getTime()
    if (ageMs >= keptForMs(request)) {
      await expectations.delete(key, CertificateSigningRequest, request)
      return {}
    }
    const has = (type: string): boolean =>
      request.status?.conditions?.some(condition => condition.type === type) ?? false
    if (!has('Approved') && !has('Denied')) await approveIfOwed(request)
    else if (has('Approved') && !has('Failed') && !request.status.certificate) await sign(request)
    return { recheckAfterMs: keptForMs(request) - ageMs }
  }

  async function approveIfOwed(request: CertificateSigningRequest): Promise<void> {
    const subject = subjectOf(request)
    if (!subject) return
    const permission = approvalPermissionOf(request, subject)
    if (permission && (await isPermitted(request, permission))) {
      const message = 'Auto approving kubelet client certificate after SubjectAccessReview.'
      return approve(request, message)
    }
    const node = informers.informer(Node).get({ name: nodeNameIn(subject) })
    if (isOwnServingRequest(request, subject, node)) {
      await approve(request, 'Auto approving kubelet serving certificate for the own names of the node.')
    }
  }

  function subjectOf({ spec }: CertificateSigningRequest): RequestedSubject | undefined {
    try {
      return signer.subjectOf(pemOf(spec.request))
    } catch {
      return undefined // No request at all: it stays for people to read, and goes with its time.
    }
  }

  async function isPermitted({ spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
    const { username: user = '', groups = [], uid, extra } = spec
    const group = 'certificates.k8s.io'
    const resourceAttributes = {
      group,
      resource: 'certificatesigningrequests',
      verb: 'create',
      subresource,
      version: '*',
    }
    const asked = { user, groups, ...(uid && { uid }), ...(extra && { extra }), resourceAttributes }
    const review = await client.create(SubjectAccessReview, { metadata: {}, spec: asked })
    return review.status?.allowed ?? false
  }

  function approve(request: CertificateSigningRequest, message: string): Promise<void> {
    return write(withCondition(request, { type: 'Approved', reason: 'AutoApproved', message }), 'approval')
  }

  async function sign(request: CertificateSigningRequest): Promise<void> {
    const usage = signerUsageOf(request.spec.signerName)
    if (!usage) return // Another signer's.
    const requestPem = pemOf(request.spec.request)
    let pem: string
    try {
      const subject = signer.subjectOf(requestPem)
      const problem = signerProblem(request, subject)
      if (problem) throw new Error(problem)
      pem = await signer.sign({ ...subject, requestPem, usage, validForMs: validForMsOf(request) })
    } catch (error) {
      const news = { type: 'Failed', reason: 'SignerValidationFailure', message: messageOf(error) } as const
      return write(withCondition(request, news), 'status')
    }
    const certificate = Buffer.from(pem).toString('base64')
    await write({ ...request, status: { ...request.status, certificate } }, 'status')
  }

  function withCondition(
    request: CertificateSigningRequest,
    news: { readonly type: Condition; readonly reason: string; readonly message: string },
  ): CertificateSigningRequest {
    const time = timeText(clock.now())
    const condition = { ...news, status: 'True', lastUpdateTime: time, lastTransitionTime: time }
    return { ...request, status: { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] } }
  }

  async function write(request: CertificateSigningRequest, subresource: 'approval' | 'status'): Promise<void> {
    const { name } = request.metadata
    const { group, version, plural: resource } = CertificateSigningRequest
    const body = request as unknown as JsonValue
    const answer = await client.transport.request({ verb: 'update', group, version, resource, subresource, name, body })
    expectations.wrote({ name }, CertificateSigningRequest, answer as unknown as CertificateSigningRequest)
  }
}

/** Objects carry PEM in base64. */
const pemOf = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8')
