import type { Event, Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../../api/core-v1/types.ts'
import type { StorageClass, VolumeAttachment } from '../../../api/storage-v1/types.ts'

/** What can be known about why a Pod is not as it should be. All of it may be stale or missing. */
export interface Evidence {
  readonly now: Date
  podNamed(name: string): Pod | undefined
  nodeNamed(name: string): Node | undefined
  claimNamed(name: string): PersistentVolumeClaim | undefined
  volumeNamed(name: string): PersistentVolume | undefined
  storageClasses(): readonly StorageClass[]
  attachmentsOf(volumeName: string): readonly VolumeAttachment[]
  /** Warnings about a Pod, newest last. */
  warningsAbout(podUid: string): readonly Event[]
}

/** What is wrong with one Pod, in the words of whoever found it. */
export interface Problem {
  /** CamelCase, for machines. */
  readonly reason: string
  /** What follows the name of the Pod: `cannot pull image "x": …`. */
  readonly text: string
  readonly since?: string
  /** It will not pass by itself as part of starting or stopping. */
  readonly isStall: boolean
  /** After this time it has become a stall, if nothing has changed. */
  readonly untilStallMs?: number
  /** More may become known of it, and is then worth an event of its own. */
  readonly isVague?: boolean
  /** What ends it, when more than "the Pod becomes ready" can be said. */
  readonly remedy?: string
}

const TEXT_MAX = 240

/** Times at the start of a log line, alone, in brackets or as Kubernetes' own components write them. */
const TIME =
  /^([IWEF]\d{4} [\d:.]+\s+\d+ |[[(]?(\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:?\d\d)?[\])]?\s+)/

/** The same words an hour later are the same words: conditions that carried the time would be written again and again. */
const withoutTime = (line: string): string => line.replace(TIME, '')

/** The last line that says something, without the time it was written at, cut to a length that fits a condition. */
export function lastLineOf(text: string | undefined): string {
  const lines = (text ?? '').split('\n').map(line => line.trim())
  return cut(withoutTime(lines.findLast(line => line !== '') ?? ''))
}

export const cut = (text: string): string => (text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 1)}…` : text)
