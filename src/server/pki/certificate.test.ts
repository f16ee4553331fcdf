import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { userOfSubject } from '../http/listener.ts'
import { createAuthority, issueCertificate, needsRenewal } from './certificate.ts'

const DAY_MS = 86_400_000
const dependenciesAt = (clock: VirtualClock) => ({ clock, random: seededRandom(1) })

test('an authority signs for servers and clients, each for its own use', async () => {
  const dependencies = dependenciesAt(new VirtualClock())
  const authority = await createAuthority('kubernetes', dependencies)
  const issuer = new X509Certificate(authority.certificate)
  expect(issuer.ca).toBe(true)
  const server = new X509Certificate(
    (
      await issueCertificate(
        authority,
        { commonName: 's', usage: 'server', dnsNames: ['db.example'], ipAddresses: ['10.0.0.1'] },
        dependencies,
      )
    ).certificate,
  )
  expect(server.verify(issuer.publicKey)).toBe(true)
  expect(server.checkHost('db.example')).toBe('db.example')
  expect(server.checkIP('10.0.0.1')).toBe('10.0.0.1')
  expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
})

test('a client certificate names a user and groups', async () => {
  const dependencies = dependenciesAt(new VirtualClock())
  const authority = await createAuthority('kubernetes', dependencies)
  const request = { commonName: 'system:node:n1', organizations: ['system:nodes', 'b'], usage: 'client' } as const
  const { certificate } = await issueCertificate(authority, request, dependencies)
  expect(userOfSubject(new X509Certificate(certificate).subject)).toEqual({
    name: 'system:node:n1',
    groups: ['system:nodes', 'b'],
  })
})

test('a certificate is due for renewal when a third of its life is left', async () => {
  const clock = new VirtualClock()
  const dependencies = dependenciesAt(clock)
  const authority = await createAuthority('kubernetes', dependencies)
  const request = { commonName: 'x', usage: 'client', validForMs: 90 * DAY_MS } as const
  const { certificate } = await issueCertificate(authority, request, dependencies)
  await clock.advance(59 * DAY_MS)
  expect(needsRenewal(certificate, clock)).toBe(false)
  await clock.advance(2 * DAY_MS)
  expect(needsRenewal(certificate, clock)).toBe(true)
})
