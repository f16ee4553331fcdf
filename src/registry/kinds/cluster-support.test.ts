import { expect, test } from 'vitest'
import { CertificateSigningRequest } from '../../api/certificates-v1/types.ts'
import { startCluster } from '../../testing/start-cluster.ts'

test('a certificate request says who asked, whatever it claims itself', async () => {
  await using cluster = await startCluster({ nodes: 0 })
  const request = await cluster.client.create(CertificateSigningRequest, {
    metadata: { name: 'mine' },
    spec: {
      request: 'eA==',
      signerName: 'kubernetes.io/kubelet-serving',
      username: 'somebody-else',
      groups: ['system:masters-of-all'],
    },
  })
  expect(request.spec).toMatchObject({ username: 'test', groups: ['system:masters', 'system:authenticated'] })
})
