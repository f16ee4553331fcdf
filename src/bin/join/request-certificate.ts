import { generateKeyPairSync, webcrypto } from 'node:crypto'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { CertificateSigningRequest } from '../../api/certificates-v1/types.ts'
import { CommandError } from '../../cli/terminal.ts'
import type { Client } from '../../client/client.ts'
import type { KeyPair } from '../../server/pki/certificate.ts'

export interface NodeCertificateRequest {
  readonly nodeName: string
  readonly usage: 'client' | 'server'
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
}

const SIGNERS = {
  client: 'kubernetes.io/kube-apiserver-client-kubelet',
  server: 'kubernetes.io/kubelet-serving',
} as const
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const APPROVAL_TIMEOUT_MS = 60_000

/** Makes a key and has the cluster certify it for this machine's kubelet. Throws when nobody approves it in time. */
export async function requestNodeCertificate(client: Client, request: NodeCertificateRequest): Promise<KeyPair> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const keys = {
    privateKey: await webcrypto.subtle.importKey(
      'pkcs8',
      privateKey.export({ type: 'pkcs8', format: 'der' }),
      ALGORITHM,
      true,
      ['sign'],
    ),
    publicKey: await webcrypto.subtle.importKey(
      'spki',
      publicKey.export({ type: 'spki', format: 'der' }),
      ALGORITHM,
      true,
      ['verify'],
    ),
  }
  const pem = await requestPem(request, keys)
  const { usage } = request
  const { metadata } = await client.create(CertificateSigningRequest, {
    metadata: { generateName: 'node-csr-' },
    spec: {
      request: Buffer.from(pem).toString('base64'),
      signerName: SIGNERS[usage],
      usages: ['digital signature', usage === 'client' ? 'client auth' : 'server auth'],
    },
  })
  return { key, certificate: await certificateOf(client, metadata.name) }
}

async function requestPem(
  { nodeName, dnsNames = [], ipAddresses = [] }: NodeCertificateRequest,
  keys: webcrypto.CryptoKeyPair,
): Promise<string> {
  const names = [
    ...dnsNames.map(value => ({ type: 'dns' as const, value })),
    ...ipAddresses.map(value => ({ type: 'ip' as const, value })),
  ]
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [`system:node:${nodeName}`] }, { O: ['system:nodes'] }],
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  })
  return request.toString('pem')
}

async function certificateOf(client: Client, name: string): Promise<string> {
  const timeout = AbortSignal.timeout(APPROVAL_TIMEOUT_MS)
  while (!timeout.aborted) {
    const request = await client.get(CertificateSigningRequest, { name })
    const { certificate, conditions = [] } = request.status
    const refused = conditions.find(({ type }) => type === 'Denied' || type === 'Failed')
    if (refused)
      throw new CommandError(
        `the cluster refused this machine's certificate request ${name}: ${refused.message ?? refused.type}`,
      )
    if (certificate) return Buffer.from(certificate, 'base64').toString('utf8')
    const { resourceVersion } = request.metadata
    const glance = AbortSignal.any([timeout, AbortSignal.timeout(2000)])
    for await (const _ of client.watch(CertificateSigningRequest, {
      fieldSelector: `metadata.name=${name}`,
      resourceVersion,
      signal: glance,
    }))
      break
  }
  throw new CommandError(`nobody approved this machine's certificate request ${name} within a minute`, {
    advice: `On a server: kubectl certificate approve ${name}`,
  })
}
