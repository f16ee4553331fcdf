import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { Clock } from '../../machinery/clock.ts'
import type { Random } from '../../machinery/random.ts'

/** A certificate and the key that belongs to it, both PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

/** Whom or what a certificate names. */
export interface CertificateRequest {
  /** The user name of a client, the name of a server. */
  readonly commonName: string
  /** The groups of a client. */
  readonly organizations?: readonly string[]
  readonly usage: 'client' | 'server' | 'both'
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  /** Default: a year. */
  readonly validForMs?: number
}

export interface PkiDependencies {
  readonly clock: Clock
  readonly random: Random
}

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNING_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000
const AUTHORITY_VALID_MS = 10 * 365 * DAY_MS
const CERTIFICATE_VALID_MS = 365 * DAY_MS
/** Clocks of two machines differ; a fresh certificate must already be valid on the slower one. */
const BACKDATED_MS = 5 * 60_000

x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0])

/** Makes a certificate authority of its own: nobody else has to trust it, and it trusts nobody else. */
export async function createAuthority(commonName: string, dependencies: PkiDependencies): Promise<KeyPair> {
  const keys = (await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(dependencies.random),
    name: [{ CN: [commonName] }],
    ...validity(dependencies.clock, AUTHORITY_VALID_MS),
    signingAlgorithm: SIGNING_ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: commonName }]),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await keyPem(keys.privateKey) }
}

/** Makes a key and has `authority` certify it. */
export async function issueCertificate(
  authority: KeyPair,
  request: CertificateRequest,
  dependencies: PkiDependencies,
): Promise<KeyPair> {
  const keys = (await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const certificate = await certified(authority, { ...request, publicKey: keys.publicKey }, dependencies)
  return { certificate, key: await keyPem(keys.privateKey) }
}

/**
 * Certifies the key of a PKCS#10 request. Who it names and what it may be used for is `grant`'s to say: nothing of the
 * request but its key is taken on trust. Throws when its signature is wrong.
 */
export async function signRequest(
  authority: KeyPair,
  { requestPem, ...grant }: CertificateRequest & { readonly requestPem: string },
  dependencies: PkiDependencies,
): Promise<string> {
  const request = new x509.Pkcs10CertificateRequest(requestPem)
  if (!(await request.verify())) throw new Error('the signature of the certificate request is wrong')
  return certified(authority, { ...grant, publicKey: request.publicKey }, dependencies)
}

/** Whom a PKCS#10 request asks to be. Throws on what is none. */
export function requestSubject(requestPem: string): {
  readonly commonName: string
  readonly organizations: readonly string[]
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
} {
  const request = new x509.Pkcs10CertificateRequest(requestPem)
  const extension = request.extensions.find(candidate => candidate.type === SUBJECT_ALTERNATIVE_NAME)
  const names = extension ? new x509.SubjectAlternativeNameExtension(extension.rawData).names.items : []
  return {
    commonName: request.subjectName.getField('CN')[0] ?? '',
    organizations: request.subjectName.getField('O'),
    dnsNames: names.filter(({ type }) => type === 'dns').map(({ value }) => value),
    ipAddresses: names.filter(({ type }) => type === 'ip').map(({ value }) => value),
  }
}

const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17'

async function certified(
  authority: KeyPair,
  request: CertificateRequest & { readonly publicKey: x509.PublicKeyType },
  { clock, random }: PkiDependencies,
): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificate)
  const { dnsNames = [], ipAddresses = [] } = request
  const names = [
    ...dnsNames.map(value => ({ type: 'dns' as const, value })),
    ...ipAddresses.map(value => ({ type: 'ip' as const, value })),
  ]
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(random),
    subject: [{ CN: [request.commonName] }, ...(request.organizations ?? []).map(O => ({ O: [O] }))],
    issuer: issuer.subjectName,
    ...validity(clock, request.validForMs ?? CERTIFICATE_VALID_MS),
    signingAlgorithm: SIGNING_ALGORITHM,
    publicKey: request.publicKey,
    signingKey: await importedKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension(extendedUsages(request.usage)),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  })
  return certificate.toString('pem')
}

function extendedUsages(usage: CertificateRequest['usage']): x509.ExtendedKeyUsage[] {
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage
  return usage === 'both' ? [serverAuth, clientAuth] : [usage === 'client' ? clientAuth : serverAuth]
}

const serialNumber = (random: Random): string => `00${Buffer.from(random.bytes(16)).toString('hex')}`

function validity(clock: Clock, forMs: number): { notBefore: Date; notAfter: Date } {
  const now = clock.now().getTime()
  return { notBefore: new Date(now - BACKDATED_MS), notAfter: new Date(now + forMs) }
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key))
  const lines = bytes.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`
}

async function importedKey(pem: string): Promise<webcrypto.CryptoKey> {
  const bytes = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  return webcrypto.subtle.importKey('pkcs8', bytes, KEY_ALGORITHM, false, ['sign']) as Promise<webcrypto.CryptoKey>
}

/** A certificate is renewed when less than a third of its life is left: long before anybody is refused. */
export function needsRenewal(certificatePem: string, clock: Clock): boolean {
  const { notBefore, notAfter } = new x509.X509Certificate(certificatePem)
  const life = notAfter.getTime() - notBefore.getTime()
  return notAfter.getTime() - clock.now().getTime() < life / 3
}
