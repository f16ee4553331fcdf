import { createHash } from 'node:crypto'
import { parse } from 'yaml'
import type { Pod } from '../../api/core-v1/types.ts'
import type { Logger } from '../../machinery/logger.ts'
import { timeText } from '../../machinery/time.ts'
import type { MachineDisk } from '../doors.ts'

const MANIFEST_BYTES_MAX = 1024 * 1024
const SOURCE = 'kubernetes.io/config.source'
const HASH = 'kubernetes.io/config.hash'
const MIRROR = 'kubernetes.io/config.mirror'

export interface ManifestsOptions {
  readonly directory: string
  readonly nodeName: string
  readonly disk: MachineDisk
  readonly logger: Logger
  readonly now: Date
}

/** The Pods that a directory of the machine asks for, by uid. A file that holds no Pod is told of and left out. */
export async function podsInDirectory(options: ManifestsOptions): Promise<ReadonlyMap<string, Pod>> {
  const { directory, disk, logger } = options
  const found = new Map<string, Pod>()
  const names = (await disk.listDirectory(directory)).filter(name => /^[^.].*\.(ya?ml|json)$/.test(name))
  for (const name of names) {
    const content = await disk.readFile(`${directory}/${name}`, MANIFEST_BYTES_MAX)
    try {
      const pod = podFrom(Buffer.from(content ?? []).toString('utf8'), options)
      found.set(pod.metadata.uid, pod)
    } catch (error) {
      logger.warn({ error, file: name }, 'a file in the directory of static pods holds no pod')
    }
  }
  return found
}

/** Named after its machine as well; another manifest is another Pod. */
function podFrom(text: string, { nodeName, now }: ManifestsOptions): Pod {
  const { kind, metadata, spec } = (parse(text) ?? {}) as Partial<Pod>
  if (kind !== 'Pod' || !metadata?.name || !spec) throw new Error('it needs kind Pod, metadata.name and spec')
  const uid = createHash('sha256').update(nodeName).update('\0').update(text).digest('hex').slice(0, 32)
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      namespace: metadata.namespace ?? 'default',
      name: `${metadata.name}-${nodeName}`,
      uid,
      resourceVersion: '0',
      creationTimestamp: timeText(now),
      annotations: { ...metadata.annotations, [SOURCE]: 'file', [HASH]: uid },
    },
    // Nobody but its file ends it.
    spec: {
      ...spec,
      nodeName,
      tolerations: [...(spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }],
    },
    status: { phase: 'Pending' },
  }
}

/** What the API is shown of it, owned by the machine's Node. */
export function mirrorOf({ metadata, spec }: Pod, owner: { readonly name: string; readonly uid: string }) {
  const { namespace, name, labels, annotations, uid } = metadata
  return {
    metadata: {
      namespace,
      name,
      ...(labels && { labels }),
      annotations: { ...annotations, [MIRROR]: uid },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', ...owner, controller: true }],
    },
    spec,
  }
}

/** Whether the API only shows what a machine runs by itself. */
export const isMirror = ({ metadata }: Pod): boolean => metadata.annotations?.[MIRROR] !== undefined

export const isMirrorOf = (mirror: Pod, pod: Pod): boolean =>
  mirror.metadata.annotations?.[MIRROR] === pod.metadata.uid && mirror.metadata.deletionTimestamp === undefined

/** As the runtime keeps it with a sandbox. */
export const isFromFile = (annotations: Readonly<Record<string, string>>): boolean => annotations[SOURCE] === 'file'
