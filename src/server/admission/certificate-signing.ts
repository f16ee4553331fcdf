import type { CertificateSigningRequest } from '../../api/certificates-v1/types.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../../registry/resource.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import { requestSubject } from '../pki/certificate.ts'
import { concerning, refusal } from './admission-plugin.ts'

const GROUP = 'certificates.k8s.io'
const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client'

/** Approving and signing a request needs a permission of its own on the signer, beside that on the request. */
export function certificateSigning(authorizer: Authorizer): AdmissionPlugin {
  const require = (request: AdmissionRequest, verb: 'approve' | 'sign'): void => {
    const { signerName } = (request.oldObject as unknown as CertificateSigningRequest).spec
    const names = [signerName, `${signerName.split('/')[0]}/*`]
    const isAllowed = names.some(
      name =>
        authorizer.authorize({
          isResource: true,
          user: request.user,
          verb,
          group: GROUP,
          version: 'v1',
          resource: 'signers',
          subresource: '',
          namespace: '',
          name,
        }).verdict === 'allow',
    )
    if (!isAllowed) throw refusal(request, `user not permitted to ${verb} requests with signerName "${signerName}"`)
  }
  return {
    name: 'CertificateSigning',
    concerns: concerning(`${GROUP}/certificatesigningrequests`),
    validate(request) {
      const { operation, subresource } = request
      if (operation === 'CREATE') refuseMasters(request)
      if (operation !== 'UPDATE') return undefined
      if (subresource === 'approval') require(request, 'approve')
      if (subresource === 'status' && issues(request)) require(request, 'sign')
      return undefined
    },
  }
}

function issues({ object, oldObject }: AdmissionRequest): boolean {
  const certificate = (value: unknown): string | undefined => (value as CertificateSigningRequest).status?.certificate
  return certificate(object) !== certificate(oldObject)
}

/** No request makes anybody a master: such certificates are made by hand. */
function refuseMasters(request: AdmissionRequest): void {
  const { signerName, request: encoded } = (request.object as unknown as CertificateSigningRequest).spec
  if (signerName !== CLIENT_SIGNER) return
  const pem = Buffer.from(encoded, 'base64').toString('utf8')
  let organizations: readonly string[]
  try {
    ;({ organizations } = requestSubject(pem))
  } catch {
    return // Validation says what is wrong with it.
  }
  if (organizations.includes('system:masters')) {
    throw refusal(request, `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`)
  }
}
