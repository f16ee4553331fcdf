import { type Container, ServiceAccount, type Volume } from '../../api/core-v1/types.ts'
import type { Clock } from '../../machinery/clock.ts'
import { type Random, suffixFrom } from '../../machinery/random.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../../registry/resource.ts'
import type { ObjectCaches } from '../object-cache.ts'
import { concerning, createdPod, refusal, type UnvalidatedPod, unchanged, withSpec } from './admission-plugin.ts'

const TOKEN_MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
/** An hour, and seven seconds by which such tokens are recognised as upstream's. */
const TOKEN_SECONDS = 3607
const MIRROR_POD = 'kubernetes.io/config.mirror'
/** A fresh namespace gets its `default` account from a controller; a Pod that comes first waits this long. */
const WAITS_MAX = 10
const WAIT_MS = 100

/** Every Pod runs as a service account, and finds that account's token, the CA and its namespace in the usual place. */
export function serviceAccount(
  caches: ObjectCaches,
  { clock, random }: { clock: Clock; random: Random },
): AdmissionPlugin {
  const accounts = caches.of(ServiceAccount)
  const find = async (request: AdmissionRequest, name: string): Promise<ServiceAccount> => {
    const key = { namespace: request.namespace!, name }
    for (let waits = 0; ; waits++) {
      const account = accounts.get(key) ?? (await caches.live(ServiceAccount, key))
      if (account) return account
      if (name !== 'default' || waits >= WAITS_MAX) {
        throw refusal(
          request,
          `error looking up service account ${key.namespace}/${name}: serviceaccount "${name}" not found`,
        )
      }
      await clock.sleep(WAIT_MS)
    }
  }
  return {
    name: 'ServiceAccount',
    concerns: concerning('/pods'),
    async mutate(request) {
      const pod = createdPod(request)
      if (!pod || !request.namespace) return unchanged(request)
      if (pod.metadata.annotations?.[MIRROR_POD] !== undefined) return unchanged(request) // It runs without the API.
      const name = pod.spec.serviceAccountName || 'default'
      const account = await find(request, name)
      return withSpec(pod, { serviceAccountName: name, serviceAccount: name, ...credentials(pod, account, random) })
    },
    validate(request) {
      const pod = createdPod(request)
      if (pod?.metadata.annotations?.[MIRROR_POD] !== undefined && pod.spec.serviceAccountName) {
        throw refusal(request, 'a mirror pod may not reference service accounts')
      }
      return undefined
    },
  }
}

function credentials(
  { spec }: UnvalidatedPod,
  account: ServiceAccount,
  random: Random,
): Partial<UnvalidatedPod['spec']> {
  const pullSecrets =
    (spec.imagePullSecrets ?? []).length === 0 && account.imagePullSecrets
      ? { imagePullSecrets: account.imagePullSecrets }
      : {}
  if (!(spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true)) return pullSecrets
  const needs = (container: Container): boolean =>
    !(container.volumeMounts ?? []).some(({ mountPath }) => mountPath === TOKEN_MOUNT_PATH)
  if (![...spec.containers, ...(spec.initContainers ?? [])].some(needs)) return pullSecrets
  const existing = (spec.volumes ?? []).find(({ name }) => name?.startsWith('kube-api-access-'))
  const volume = existing ?? tokenVolume(`kube-api-access-${suffixFrom(random)}`)
  const mounted = (container: Container): Container =>
    needs(container)
      ? {
          ...container,
          volumeMounts: [
            ...(container.volumeMounts ?? []),
            { name: volume.name, readOnly: true, mountPath: TOKEN_MOUNT_PATH },
          ],
        }
      : container
  return {
    ...pullSecrets,
    containers: spec.containers.map(mounted),
    ...(spec.initContainers && { initContainers: spec.initContainers.map(mounted) }),
    volumes: existing ? spec.volumes! : [...(spec.volumes ?? []), volume],
  }
}

const tokenVolume = (name: string): Volume => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  },
})
