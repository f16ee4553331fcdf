import type { CertificateSigner } from '../../controllers/certificate-signing/certificate-signer.ts'
import { systemClock as clock } from '../../machinery/system-clock.ts'
import { systemRandom as random } from '../../machinery/system-random.ts'
import { type KeyPair, requestSubject, signRequest } from '../../server/pki/certificate.ts'

/** Signs with the cluster's own authority. */
export const authoritySigner = (authority: KeyPair): CertificateSigner => ({
  subjectOf: requestSubject,
  sign: grant => signRequest(authority, grant, { clock, random }),
})
