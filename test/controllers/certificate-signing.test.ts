import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { expect, test } from 'vitest'
import { CertificateSigningRequest } from '../../src/api/certificates-v1/types.ts'
import { controllerComponent } from '../../src/client/run-controller.ts'
import { certificateSigningController } from '../../src/controllers/certificate-signing/certificate-signing-controller.ts'
import { API_CLIENT } from '../../src/controllers/certificate-signing/request-rules.ts'
import { seededRandom } from '../../src/fakes/seeded-random.ts'
import { VirtualClock } from '../../src/fakes/virtual-clock.ts'
import { silentLogger } from '../../src/machinery/logger.ts'
import { createAuthority, requestSubject, signRequest } from '../../src/server/pki/certificate.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import { ControlPlane } from '../../src/testing/control-plane.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

async function requestFor(name: string): Promise<string> {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm: algorithm })
  return Buffer.from(request.toString('pem')).toString('base64')
}

test('an approved request is signed for what it names, and goes an hour later', async () => {
  const clock = new VirtualClock()
  const random = seededRandom(1)
  const plane = new ControlPlane({ store: memoryStore({ clock }), clock, random, logger: silentLogger })
  await plane.registry.whenReady()
  const authority = await createAuthority('test', { clock, random })
  const signer = {
    subjectOf: requestSubject,
    sign: (grant: Parameters<typeof signRequest>[1]) => signRequest(authority, grant, { clock, random }),
  }
  const dependencies = plane.dependencies({ component: 'test' }, plane.newInformers('test'))
  const running = new AbortController()
  void plane.run(controllerComponent(certificateSigningController(signer), dependencies), running.signal)
  const { client } = dependencies
  const request = await requestFor('CN=anna, O=people')
  const created = await client.create(CertificateSigningRequest, {
    metadata: { name: 'anna' },
    spec: { request, signerName: API_CLIENT, usages: ['client auth'], expirationSeconds: 3600 },
  })
  await clock.advance(1000)
  expect((await client.get(CertificateSigningRequest, { name: 'anna' })).status?.certificate).toBeUndefined()

  const conditions = [{ type: 'Approved', status: 'True', reason: 'KubectlApprove', message: '' }]
  await client.transport.request({
    verb: 'update',
    group: 'certificates.k8s.io',
    version: 'v1',
    resource: 'certificatesigningrequests',
    subresource: 'approval',
    name: 'anna',
    body: { ...created, status: { conditions } } as never,
  })
  const certificate = await signedCertificate(client, clock)
  expect(certificate.subjectName.getField('CN')).toEqual(['anna'])
  expect(certificate.subjectName.getField('O')).toEqual(['people'])
  expect(certificate.notAfter.getTime() - clock.now().getTime()).toBeLessThanOrEqual(3_600_000)

  await clock.advance(3_700_000)
  expect(await client.find(CertificateSigningRequest, { name: 'anna' })).toBeUndefined()
  running.abort()
  await plane.close()
})

/** Signing takes real time, however little: the crypto library works on a thread of its own. */
async function signedCertificate(
  client: ReturnType<ControlPlane['dependencies']>['client'],
  clock: VirtualClock,
): Promise<x509.X509Certificate> {
  for (let turn = 0; turn < 1000; turn++) {
    await clock.advance(10)
    const { status } = await client.get(CertificateSigningRequest, { name: 'anna' })
    if (status?.certificate) return new x509.X509Certificate(Buffer.from(status.certificate, 'base64').toString())
  }
  throw new Error('never signed')
}
