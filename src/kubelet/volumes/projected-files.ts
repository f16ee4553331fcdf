import type {
  ConfigMapProjection,
  DownwardAPIVolumeFile,
  KeyToPath,
  SecretProjection,
  ServiceAccountTokenProjection,
  Volume,
} from '../../api/core-v1/types.ts'
import type { FileContent } from '../doors.ts'
import { fieldValueOf, resourceValueOf } from '../pod/field-values.ts'
import { MountFailure, type VolumeContext, type VolumePlugin } from './volume-plugin.ts'

const MODE_DEFAULT = 0o644

type Reader = (context: VolumeContext) => Promise<readonly FileContent[]>

/** Files made of API objects, switched atomically when they change; what they say is never written by the Pod. */
function projecting(name: string, handles: (volume: Volume) => boolean, read: Reader): VolumePlugin {
  return {
    name,
    handles,
    async setUp(context) {
      const { disk, directory, pod } = context
      const files = await read(context)
      const gid = pod.spec.securityContext?.fsGroup
      await disk.makeDirectory(directory, 0o777)
      await disk.project(directory, files, gid === undefined ? undefined : { gid })
      return { path: directory, readOnly: true, takesGroup: false }
    },
  }
}

export const configMapPlugin = projecting(
  'kubernetes.io~configmap',
  ({ configMap }) => configMap !== undefined,
  context => configMapFiles(context, context.volume.configMap!),
)

export const secretPlugin = projecting(
  'kubernetes.io~secret',
  ({ secret }) => secret !== undefined,
  context => {
    const { secretName, ...source } = context.volume.secret!
    return secretFiles(context, { ...source, ...(secretName !== undefined && { name: secretName }) })
  },
)

export const downwardApiPlugin = projecting(
  'kubernetes.io~downward-api',
  ({ downwardAPI }) => downwardAPI !== undefined,
  context => downwardFiles(context, context.volume.downwardAPI!),
)

export const projectedPlugin = projecting(
  'kubernetes.io~projected',
  ({ projected }) => projected !== undefined,
  async context => {
    const { sources = [], defaultMode } = context.volume.projected!
    const mode = defaultMode === undefined ? {} : { defaultMode }
    const files: FileContent[] = []
    for (const { configMap, secret, downwardAPI, serviceAccountToken } of sources) {
      if (configMap) files.push(...(await configMapFiles(context, { ...configMap, ...mode })))
      if (secret) files.push(...(await secretFiles(context, { ...secret, ...mode })))
      if (downwardAPI) files.push(...(await downwardFiles(context, { ...downwardAPI, ...mode })))
      if (serviceAccountToken) files.push(await tokenFile(context, serviceAccountToken, defaultMode))
    }
    return files
  },
)

type Moded = { readonly defaultMode?: number }

async function configMapFiles(
  { pod, objects }: VolumeContext,
  source: ConfigMapProjection & Moded,
): Promise<FileContent[]> {
  const { name = '', optional } = source
  const configMap = await objects.configMap(pod.metadata.namespace, name)
  if (!configMap && !optional) throw new MountFailure(`configmap "${name}" not found`)
  const text = Object.entries(configMap?.data ?? {}).map(([key, value]) => [key, Buffer.from(value)] as const)
  const binary = Object.entries(configMap?.binaryData ?? {}).map(
    ([key, value]) => [key, Buffer.from(value, 'base64')] as const,
  )
  return chosen(new Map([...text, ...binary]), source, `configmap references non-existent config key`)
}

async function secretFiles({ pod, objects }: VolumeContext, source: SecretProjection & Moded): Promise<FileContent[]> {
  const { name = '', optional } = source
  const secret = await objects.secret(pod.metadata.namespace, name)
  if (!secret && !optional) throw new MountFailure(`secret "${name}" not found`)
  const data = Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const)
  return chosen(new Map(data), source, `references non-existent secret key`)
}

/** All keys, or those that `items` name. */
function chosen(
  data: ReadonlyMap<string, Buffer>,
  { items, optional, defaultMode = MODE_DEFAULT }: Moded & { items?: readonly KeyToPath[]; optional?: boolean },
  missing: string,
): FileContent[] {
  if (!items?.length) return [...data].map(([path, content]) => ({ path, content, mode: defaultMode }))
  return items.flatMap(({ key, path, mode = defaultMode }) => {
    const content = data.get(key)
    if (content) return [{ path, content, mode }]
    if (optional) return []
    throw new MountFailure(`${missing}: ${key}`)
  })
}

async function downwardFiles(
  { fields }: VolumeContext,
  { items = [], defaultMode = MODE_DEFAULT }: Moded & { items?: readonly DownwardAPIVolumeFile[] },
): Promise<FileContent[]> {
  return items.map(({ path, fieldRef, resourceFieldRef, mode = defaultMode }) => {
    const text = fieldRef ? fieldValueOf(fieldRef, fields) : resourceValueOf(resourceFieldRef!, fields)
    return { path, content: Buffer.from(text), mode }
  })
}

async function tokenFile(
  { pod, tokens }: VolumeContext,
  { path, audience, expirationSeconds = 3600 }: ServiceAccountTokenProjection,
  defaultMode = MODE_DEFAULT,
): Promise<FileContent> {
  const token = await tokens.tokenFor(pod, { expirationSeconds, ...(audience && { audience }) })
  // Only the Pod's user may read a token; with a group the group may, so that a container of any user of it can.
  const isShared = pod.spec.securityContext?.fsGroup !== undefined
  return { path, content: Buffer.from(token), mode: isShared ? 0o640 : defaultMode }
}
