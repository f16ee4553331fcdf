import type { Pod } from '../../api/core-v1/types.ts'
import type { Informer } from '../../client/informer.ts'
import { keyOf, keyText } from '../../machinery/object.ts'
import type { MachineDisk } from '../doors.ts'
import type { PodManager } from '../pod-manager.ts'
import { isMirror, podsInDirectory } from './manifests.ts'
import { type MirrorOptions, MirrorRecord, removeMirror } from './mirror-record.ts'

export interface StaticPodsOptions extends Omit<MirrorOptions, 'signal'> {
  readonly directory: string
  readonly pods: PodManager
  /** The Pods that the API has for this machine. */
  readonly mirrors: Informer<Pod>
  readonly disk: MachineDisk
}

const INTERVAL_MS = 5000

/**
 * Runs a Pod for each manifest in a directory of the machine, named after the machine as well, whether the API can be
 * reached or not. It is another when its file changes, and ends with it. The API shows a mirror of each; deleting that only
 * makes it appear again.
 */
export async function keepStaticPods(options: StaticPodsOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options
  const records = new Map<string, MirrorRecord>()
  let isFirst = true
  while (!signal.aborted) {
    try {
      await look(options, { records, isFirst, signal })
      isFirst = false
    } catch (error) {
      logger.warn({ error }, 'could not look after static pods; trying again')
    }
    await clock.sleep(INTERVAL_MS, signal).catch(() => {}) // Aborted: the loop ends.
  }
}

interface Looking {
  readonly records: Map<string, MirrorRecord>
  readonly isFirst: boolean
  readonly signal: AbortSignal
}

async function look(options: StaticPodsOptions, { records, isFirst, signal }: Looking): Promise<void> {
  const { pods, clock, mirrors } = options
  const wanted = await podsInDirectory({ ...options, now: clock.now() })
  if (isFirst) await pods.endOldStaticPods(new Set(wanted.keys()))
  for (const [uid, record] of records) {
    if (wanted.has(uid)) continue
    records.delete(uid)
    pods.markGone(record.pod)
  }
  for (const [uid, pod] of wanted) {
    if (records.has(uid)) continue
    const record = new MirrorRecord(pod, { ...options, signal })
    records.set(uid, record)
    pods.runStatic(record)
  }
  if (mirrors.isSynced) await keepMirrors(options, records)
}

/** Those of Pods that are no more go; those that somebody has deleted come again. */
async function keepMirrors(
  { pods, mirrors, client }: StaticPodsOptions,
  records: ReadonlyMap<string, MirrorRecord>,
): Promise<void> {
  const shown = new Map(
    mirrors
      .list()
      .filter(isMirror)
      .map(mirror => [keyText(keyOf(mirror)), mirror]),
  )
  for (const mirror of shown.values()) {
    if (!pods.workerOf(mirror.metadata) || mirror.metadata.deletionTimestamp) await removeMirror(client, mirror)
  }
  for (const record of records.values()) {
    const mirror = shown.get(keyText(keyOf(record.pod)))
    if (!mirror || mirror.metadata.deletionTimestamp) record.showAgain()
  }
}
