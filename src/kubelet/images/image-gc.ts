import type { Clock } from '../../machinery/clock.ts'
import type { Logger } from '../../machinery/logger.ts'
import type { Image, MachineDoors } from '../doors.ts'
import type { KubeletConfig } from '../kubelet-config.ts'

export interface ImageGcOptions {
  readonly doors: MachineDoors
  readonly clock: Clock
  readonly logger: Logger
  readonly config: KubeletConfig
  /** Ids and names of images that containers here have. */
  readonly imagesInUse: () => ReadonlySet<string>
}

const INTERVAL_MS = 300_000

interface Seen {
  readonly firstMs: number
  usedMs: number
}

/** Removes images that nothing uses, the longest unused first, while their disk is too full. */
export async function collectImages(options: ImageGcOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options
  const seen = new Map<string, Seen>()
  while (!signal.aborted) {
    await clock.sleep(INTERVAL_MS, signal).catch(() => {}) // Aborted: the loop ends.
    if (signal.aborted) return
    await collectOnce(options, seen).catch(error => logger.warn({ error }, 'could not clean up images'))
  }
}

async function collectOnce(options: ImageGcOptions, seen: Map<string, Seen>): Promise<void> {
  const { doors, config, clock } = options
  const { highPercent, lowPercent } = config.imageGc
  const images = await doors.runtime.listImages()
  noteUse(images, options, seen)
  const { capacityBytes, availableBytes } = await doors.runtime.imageFileSystem()
  if (capacityBytes === 0 || (1 - availableBytes / capacityBytes) * 100 < highPercent) return
  let excessBytes = capacityBytes * (1 - lowPercent / 100) - availableBytes
  for (const image of candidates(images, options, { seen, nowMs: clock.monotonicMs() })) {
    if (excessBytes <= 0) return
    await doors.runtime.removeImage(image.id)
    excessBytes -= image.sizeBytes
  }
}

/** Removes every image that nothing uses, as when a machine needs room more than it needs to start Pods soon. */
export async function removeUnusedImages({
  doors,
  imagesInUse,
}: Pick<ImageGcOptions, 'doors' | 'imagesInUse'>): Promise<void> {
  for (const image of await doors.runtime.listImages()) {
    if (!image.pinned && !isUsed(image, imagesInUse())) await doors.runtime.removeImage(image.id)
  }
}

function noteUse(images: readonly Image[], { imagesInUse, clock }: ImageGcOptions, seen: Map<string, Seen>): void {
  const inUse = imagesInUse()
  const nowMs = clock.monotonicMs()
  const present = new Set(images.map(({ id }) => id))
  for (const id of seen.keys()) if (!present.has(id)) seen.delete(id)
  for (const image of images) {
    const known = seen.get(image.id) ?? { firstMs: nowMs, usedMs: Number.NEGATIVE_INFINITY }
    if (isUsed(image, inUse)) known.usedMs = nowMs
    seen.set(image.id, known)
  }
}

const isUsed = ({ id, digests, tags }: Image, inUse: ReadonlySet<string>): boolean =>
  [id, ...digests, ...tags].some(name => inUse.has(name))

/** What may go, the longest unused first. */
function candidates(
  images: readonly Image[],
  { imagesInUse, config }: ImageGcOptions,
  { seen, nowMs }: { seen: ReadonlyMap<string, Seen>; nowMs: number },
): readonly Image[] {
  const inUse = imagesInUse()
  return images
    .filter(image => !image.pinned && !isUsed(image, inUse))
    .filter(({ id }) => nowMs - (seen.get(id)?.firstMs ?? nowMs) >= config.imageGc.ageMsMin)
    .toSorted((a, b) => (seen.get(a.id)?.usedMs ?? 0) - (seen.get(b.id)?.usedMs ?? 0))
}
