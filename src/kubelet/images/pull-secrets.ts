import type { Secret } from '../../api/core-v1/types.ts'
import type { RegistryCredentials } from '../doors.ts'

interface DockerAuth {
  readonly username?: string
  readonly password?: string
  readonly auth?: string
  readonly identitytoken?: string
  readonly registrytoken?: string
}

const DEFAULT_REGISTRY = 'index.docker.io'

/** The credentials that a `kubernetes.io/dockerconfigjson` or `dockercfg` Secret has for an image, if any. */
export function credentialsFor(reference: string, { type, data = {} }: Secret): RegistryCredentials | undefined {
  const auths = authsOf(type ?? '', data)
  const target = registryPathOf(reference)
  const [best] = Object.entries(auths)
    .map(([server, auth]) => ({ prefix: normalised(server), auth }))
    .filter(({ prefix }) => target === prefix || target.startsWith(`${prefix}/`))
    .sort((a, b) => b.prefix.length - a.prefix.length)
  return best && decoded(best.auth)
}

function authsOf(type: string, data: Readonly<Record<string, string>>): Readonly<Record<string, DockerAuth>> {
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8') || '{}'
  try {
    if (type === 'kubernetes.io/dockerconfigjson') {
      const config = JSON.parse(text('.dockerconfigjson')) as { auths?: Record<string, DockerAuth> }
      return config.auths ?? {}
    }
    return type === 'kubernetes.io/dockercfg' ? (JSON.parse(text('.dockercfg')) as Record<string, DockerAuth>) : {}
  } catch {
    return {} // A Secret that is no JSON has no credentials; the registry's refusal then says so.
  }
}

function registryPathOf(reference: string): string {
  const path = reference.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
  const first = path.split('/')[0]!
  const hasRegistry = path.includes('/') && (/[.:]/.test(first) || first === 'localhost')
  return hasRegistry ? normalised(path) : `${DEFAULT_REGISTRY}/${path}`
}

const normalised = (server: string): string =>
  server
    .replace(/^https?:\/\//, '')
    .replace(/\/(v1|v2)?\/?$/, '')
    .replace(/^(registry-1\.)?docker\.io(?=\/|$)/, DEFAULT_REGISTRY)

function decoded({ username, password, auth, identitytoken, registrytoken }: DockerAuth): RegistryCredentials {
  const pair = auth ? Buffer.from(auth, 'base64').toString('utf8') : ''
  const colon = pair.indexOf(':')
  const name = username ?? (colon > 0 ? pair.slice(0, colon) : undefined)
  const secret = password ?? (colon > 0 ? pair.slice(colon + 1) : undefined)
  return {
    ...(name !== undefined && { username: name }),
    ...(secret !== undefined && { password: secret }),
    ...(identitytoken && { identityToken: identitytoken }),
    ...(registrytoken && { registryToken: registrytoken }),
  }
}
