import { expect, test } from 'vitest'
import type { CertificateSigningRequest } from '../../api/certificates-v1/types.ts'
import { metaOf, nodeOf } from '../fixtures.ts'
import type { RequestedSubject } from './certificate-signer.ts'
import {
  API_CLIENT,
  approvalPermissionOf,
  isOwnServingRequest,
  KUBELET_CLIENT,
  KUBELET_SERVING,
  keptForMs,
  signerProblem,
  validForMsOf,
} from './request-rules.ts'

const subjectOf = (more: Partial<RequestedSubject> = {}): RequestedSubject => ({
  commonName: 'system:node:n1',
  organizations: ['system:nodes'],
  dnsNames: [],
  ipAddresses: [],
  ...more,
})
const requestOf = (spec: Partial<CertificateSigningRequest['spec']> = {}): CertificateSigningRequest => ({
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  metadata: metaOf('csr-1'),
  spec: {
    request: '',
    signerName: KUBELET_CLIENT,
    usages: ['digital signature', 'client auth'],
    username: 'system:bootstrap:abc',
    ...spec,
  },
  status: {},
})
const serving = requestOf({
  signerName: KUBELET_SERVING,
  usages: ['digital signature', 'server auth'],
  username: 'system:node:n1',
  groups: ['system:nodes'],
})
const node = nodeOf('n1', { status: { addresses: [{ type: 'InternalIP', address: '192.168.0.1' }] } })

test('a joining machine and one that renews need different permissions', () => {
  expect(approvalPermissionOf(requestOf(), subjectOf())).toBe('nodeclient')
  expect(approvalPermissionOf(requestOf({ username: 'system:node:n1' }), subjectOf())).toBe('selfnodeclient')
  expect(approvalPermissionOf(requestOf({ signerName: API_CLIENT }), subjectOf())).toBeUndefined()
})

test('a kubelet client certificate is for a machine and nothing more', () => {
  expect(signerProblem(requestOf(), subjectOf())).toBeUndefined()
  expect(signerProblem(requestOf(), subjectOf({ organizations: ['system:masters'] }))).toMatch('organization')
  expect(signerProblem(requestOf(), subjectOf({ commonName: 'admin' }))).toMatch('common name')
  expect(signerProblem(requestOf(), subjectOf({ dnsNames: ['n1'] }))).toMatch('not allowed')
  expect(signerProblem(requestOf({ usages: ['digital signature', 'server auth'] }), subjectOf())).toMatch('usages')
})

test('a machine gets a serving certificate for its own names only', () => {
  const own = subjectOf({ dnsNames: ['n1'], ipAddresses: ['192.168.0.1'] })
  expect(isOwnServingRequest(serving, own, node)).toBe(true)
  expect(isOwnServingRequest(serving, subjectOf({ dnsNames: ['n1', 'kubernetes'] }), node)).toBe(false)
  expect(isOwnServingRequest({ ...serving, spec: { ...serving.spec, username: 'eve' } }, own, node)).toBe(false)
  expect(isOwnServingRequest(serving, own, undefined)).toBe(false)
})

test('certificates live as long as asked, within bounds', () => {
  expect(validForMsOf(requestOf({ expirationSeconds: 3600 }))).toBe(3_600_000)
  expect(validForMsOf(requestOf({ expirationSeconds: 1 }))).toBe(600_000)
  expect(validForMsOf(requestOf())).toBe(365 * 86_400_000)
})

test('settled requests are kept for an hour, undecided ones for a day', () => {
  expect(keptForMs(requestOf())).toBe(86_400_000)
  const conditions = [{ type: 'Approved', status: 'True' }]
  expect(keptForMs({ ...requestOf(), status: { conditions } })).toBe(3_600_000)
})
