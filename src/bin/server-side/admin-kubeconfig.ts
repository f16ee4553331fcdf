import { stringify } from 'yaml'
import type { KeyPair } from '../../server/pki/certificate.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** A kubeconfig by which its holder may do everything. */
export function adminKubeconfigText({
  server,
  authority,
  admin,
}: {
  server: string
  authority: string
  admin: KeyPair
}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'holdfast', cluster: { server, 'certificate-authority-data': base64(authority) } }],
    users: [
      {
        name: 'holdfast',
        user: { 'client-certificate-data': base64(admin.certificate), 'client-key-data': base64(admin.key) },
      },
    ],
    contexts: [{ name: 'holdfast', context: { cluster: 'holdfast', user: 'holdfast' } }],
    'current-context': 'holdfast',
  })
}
