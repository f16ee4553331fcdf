import { parse } from 'yaml'
import type { HttpsTransportOptions } from './https-transport.ts'

interface Named {
  readonly name: string
}

/** A kubeconfig file, as far as Holdfast writes and reads it; what else is in a user's file is kept as it is. */
export interface Kubeconfig {
  readonly apiVersion?: string
  readonly kind?: string
  readonly 'current-context'?: string
  readonly clusters?: readonly (Named & { readonly cluster: KubeconfigCluster })[]
  readonly users?: readonly (Named & { readonly user: KubeconfigUser })[]
  readonly contexts?: readonly (Named & { readonly context: { cluster: string; user: string; namespace?: string } })[]
}

interface KubeconfigCluster {
  readonly server: string
  readonly 'certificate-authority'?: string
  readonly 'certificate-authority-data'?: string
  readonly 'insecure-skip-tls-verify'?: boolean
}

interface KubeconfigUser {
  readonly 'client-certificate'?: string
  readonly 'client-certificate-data'?: string
  readonly 'client-key'?: string
  readonly 'client-key-data'?: string
  readonly token?: string
  readonly tokenFile?: string
}

/** A kubeconfig that cannot be used; the message names the file's entry and what is missing. */
class KubeconfigError extends Error {
  override name = 'KubeconfigError'
}

/** Reads the text of a kubeconfig file. */
export function parseKubeconfig(text: string): Kubeconfig {
  const config = parse(text) as Kubeconfig | null
  if (config === null) return {}
  if (typeof config !== 'object' || Array.isArray(config))
    throw new KubeconfigError('a kubeconfig must be a YAML mapping')
  return config
}

/** How to reach the server of a context. `readFile` reads the files that the config points at. */
export function connectionOf(
  config: Kubeconfig,
  { context: wanted, readFile }: { context?: string; readFile: (path: string) => string },
): HttpsTransportOptions {
  const contextName = wanted ?? config['current-context']
  if (!contextName) throw new KubeconfigError('no context named, and the kubeconfig has no current-context')
  const context = config.contexts?.find(({ name }) => name === contextName)?.context
  if (!context) throw new KubeconfigError(`no context "${contextName}" in the kubeconfig`)
  const cluster = config.clusters?.find(({ name }) => name === context.cluster)?.cluster
  if (!cluster)
    throw new KubeconfigError(`context "${contextName}" names cluster "${context.cluster}", which is not there`)
  const user = config.users?.find(({ name }) => name === context.user)?.user ?? {}
  const inline = (data?: string, path?: string): string | undefined =>
    data ? Buffer.from(data, 'base64').toString('utf8') : path ? readFile(path) : undefined
  const certificateAuthority = inline(cluster['certificate-authority-data'], cluster['certificate-authority'])
  const certificate = inline(user['client-certificate-data'], user['client-certificate'])
  const key = inline(user['client-key-data'], user['client-key'])
  const { token, tokenFile } = user
  return {
    server: cluster.server,
    ...(certificateAuthority && { certificateAuthority }),
    ...(cluster['insecure-skip-tls-verify'] && { skipTlsVerify: true }),
    ...(certificate && key && { clientCertificate: { certificate, key } }),
    ...(token && { token: () => token }),
    ...(!token && tokenFile && { token: () => readFile(tokenFile).trim() }),
  }
}
