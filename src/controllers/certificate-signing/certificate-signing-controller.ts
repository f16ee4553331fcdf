import { SubjectAccessReview } from '../../api/authorization-v1/types.ts'
import { CertificateSigningRequest } from '../../api/certificates-v1/types.ts'
import { Node } from '../../api/core-v1/types.ts'
import type { Client } from '../../client/client.ts'
import { type ControllerDefinition, controllerFor, type Dependencies, type Result } from '../../client/controller.ts'
import type { InformerFactory } from '../../client/informer.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { JsonValue } from '../../machinery/json.ts'
import type { ObjectKey } from '../../machinery/object.ts'
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
    .reconciledBy(dependencies => {
      const requests = new CertificateRequests(dependencies, signer)
      return key => requests.reconcile(key)
    })

type Condition = 'Approved' | 'Failed'

/** Approves what kubelets may ask for, signs what is approved, and forgets old requests. */
class CertificateRequests {
  readonly #client: Client
  readonly #informers: InformerFactory
  readonly #clock: Clock
  readonly #signer: CertificateSigner
  readonly #expectations: Expectations

  constructor({ client, informers, clock }: Dependencies, signer: CertificateSigner) {
    this.#client = client
    this.#informers = informers
    this.#clock = clock
    this.#signer = signer
    this.#expectations = new Expectations({ client, informers })
  }

  async reconcile(key: ObjectKey): Promise<Result> {
    const request = this.#informers.informer(CertificateSigningRequest).get(key)
    if (!request) {
      this.#expectations.forget(key)
      return {}
    }
    if (!(await this.#expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }
    const ageMs = this.#clock.now().getTime() - timeOf(request.metadata.creationTimestamp).getTime()
    if (ageMs >= keptForMs(request)) {
      await this.#expectations.delete(key, CertificateSigningRequest, request)
      return {}
    }
    const has = (type: string): boolean =>
      request.status?.conditions?.some(condition => condition.type === type) ?? false
    if (!has('Approved') && !has('Denied')) await this.#approveIfOwed(request)
    else if (has('Approved') && !has('Failed') && !request.status.certificate) await this.#sign(request)
    return { recheckAfterMs: keptForMs(request) - ageMs }
  }

  async #approveIfOwed(request: CertificateSigningRequest): Promise<void> {
    const subject = this.#subjectOf(request)
    if (!subject) return
    const permission = approvalPermissionOf(request, subject)
    if (permission && (await this.#isPermitted(request, permission))) {
      const message = 'Auto approving kubelet client certificate after SubjectAccessReview.'
      return this.#approve(request, message)
    }
    const node = this.#informers.informer(Node).get({ name: nodeNameIn(subject) })
    if (isOwnServingRequest(request, subject, node)) {
      await this.#approve(request, 'Auto approving kubelet serving certificate for the own names of the node.')
    }
  }

  #subjectOf({ spec }: CertificateSigningRequest): RequestedSubject | undefined {
    try {
      return this.#signer.subjectOf(pemOf(spec.request))
    } catch {
      return undefined // No request at all: it stays for people to read, and goes with its time.
    }
  }

  async #isPermitted({ spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
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
    const review = await this.#client.create(SubjectAccessReview, { metadata: {}, spec: asked })
    return review.status?.allowed ?? false
  }

  #approve(request: CertificateSigningRequest, message: string): Promise<void> {
    return this.#write(this.#withCondition(request, { type: 'Approved', reason: 'AutoApproved', message }), 'approval')
  }

  async #sign(request: CertificateSigningRequest): Promise<void> {
    const usage = signerUsageOf(request.spec.signerName)
    if (!usage) return // Another signer's.
    const requestPem = pemOf(request.spec.request)
    let pem: string
    try {
      const subject = this.#signer.subjectOf(requestPem)
      const problem = signerProblem(request, subject)
      if (problem) throw new Error(problem)
      pem = await this.#signer.sign({ ...subject, requestPem, usage, validForMs: validForMsOf(request) })
    } catch (error) {
      const news = { type: 'Failed', reason: 'SignerValidationFailure', message: messageOf(error) } as const
      return this.#write(this.#withCondition(request, news), 'status')
    }
    const certificate = Buffer.from(pem).toString('base64')
    await this.#write({ ...request, status: { ...request.status, certificate } }, 'status')
  }

  #withCondition(
    request: CertificateSigningRequest,
    news: { readonly type: Condition; readonly reason: string; readonly message: string },
  ): CertificateSigningRequest {
    const time = timeText(this.#clock.now())
    const condition = { ...news, status: 'True', lastUpdateTime: time, lastTransitionTime: time }
    return { ...request, status: { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] } }
  }

  async #write(request: CertificateSigningRequest, subresource: 'approval' | 'status'): Promise<void> {
    const { name } = request.metadata
    const { group, version, plural: resource } = CertificateSigningRequest
    const body = request as unknown as JsonValue
    const answer = await this.#client.transport.request({
      verb: 'update',
      group,
      version,
      resource,
      subresource,
      name,
      body,
    })
    this.#expectations.wrote({ name }, CertificateSigningRequest, answer as unknown as CertificateSigningRequest)
  }
}

/** Objects carry PEM in base64. */
const pemOf = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8')
