import { createHash } from 'node:crypto'
import { parse } from 'yaml'
import { type Node, Pod } from '../api/core-v1/types.ts'
import type { Client } from '../client/client.ts'
import type { Clock } from '../machinery/clock.ts'
import type { Logger } from '../machinery/logger.ts'
import { isTerminating, keyOf, keyText } from '../machinery/object.ts'
import type { MachineDisk } from './doors.ts'

export interface StaticPodsOptions {
  readonly directory: string
  readonly nodeName: string
  /** The machine's own Node; static Pods wait for it, because it owns them. */
  readonly node: () => Node | undefined
  /** The Pods that the API has for this machine. */
  readonly pods: () => readonly Pod[]
  readonly client: Client
  readonly disk: MachineDisk
  readonly clock: Clock
  readonly logger: Logger
}

const INTERVAL_MS = 20_000
const MANIFEST_BYTES_MAX = 1024 * 1024
const SOURCE = 'kubernetes.io/config.source'
const MIRROR = 'kubernetes.io/config.mirror'

type Manifest = Pick<Pod, 'metadata' | 'spec'>

/**
 * Keeps a Pod in the API for each manifest in a directory of the machine, named after the machine as well. It is made anew
 * when the file changes or somebody deletes it, and goes with its file. Unlike upstream it starts only when the API can be
 * reached; once it runs it needs the API no more than any other Pod.
 */
export async function keepStaticPods(options: StaticPodsOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options
  while (!signal.aborted) {
    await lookOnce(options).catch(error => logger.warn({ error }, 'could not bring static pods into the API'))
    await clock.sleep(INTERVAL_MS, signal).catch(() => {}) // Aborted: the loop ends.
  }
}

async function lookOnce(options: StaticPodsOptions): Promise<void> {
  const { client, pods, node } = options
  const owner = node()
  if (!owner) return
  const wanted = await manifestsIn(options, owner)
  const known = new Map(
    pods()
      .filter(isStatic)
      .map(pod => [keyText(keyOf(pod)), pod]),
  )
  for (const [key, pod] of known) {
    const isSame = wanted.get(key)?.metadata.annotations?.[MIRROR] === pod.metadata.annotations?.[MIRROR]
    if (!isSame && !isTerminating(pod))
      await client.delete(Pod, keyOf(pod), { preconditions: { uid: pod.metadata.uid } })
  }
  for (const [key, manifest] of wanted) if (!known.has(key)) await client.create(Pod, manifest)
}

const isStatic = ({ metadata }: Pod): boolean => metadata.annotations?.[SOURCE] === 'file'

/** By `namespace/name`. A file that holds no Pod is told of and left out. */
async function manifestsIn(
  { directory, disk, nodeName, logger }: StaticPodsOptions,
  owner: Node,
): Promise<ReadonlyMap<string, Manifest>> {
  const found = new Map<string, Manifest>()
  const names = (await disk.listDirectory(directory)).filter(name => /^[^.].*\.(ya?ml|json)$/.test(name))
  for (const name of names) {
    const content = await disk.readFile(`${directory}/${name}`, MANIFEST_BYTES_MAX)
    try {
      const manifest = manifestFrom(Buffer.from(content ?? []).toString('utf8'), { nodeName, owner })
      found.set(keyText(keyOf(manifest)), manifest)
    } catch (error) {
      logger.warn({ error, file: name }, 'a file in the directory of static pods holds no pod')
    }
  }
  return found
}

function manifestFrom(text: string, { nodeName, owner }: { nodeName: string; owner: Node }): Manifest {
  const { kind, metadata, spec } = (parse(text) ?? {}) as Partial<Pod>
  if (kind !== 'Pod' || !metadata?.name || !spec) throw new Error('it needs kind Pod, metadata.name and spec')
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 32)
  return {
    metadata: {
      ...metadata,
      namespace: metadata.namespace ?? 'default',
      name: `${metadata.name}-${nodeName}`,
      annotations: { ...metadata.annotations, [SOURCE]: 'file', [MIRROR]: hash },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: owner.metadata.uid, controller: true }],
    },
    spec: { ...spec, nodeName },
  }
}
