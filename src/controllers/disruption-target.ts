import { Pod, type PodStatus } from '../api/core-v1/types.ts'
import type { Client } from '../client/client.ts'
import type { JsonObject } from '../machinery/json.ts'
import { keyOf } from '../machinery/object.ts'
import { isStatusError } from '../machinery/status.ts'
import { timeText } from '../machinery/time.ts'

export interface Disruption {
  readonly reason: string
  readonly message: string
}

/** Says on the Pod why it is about to go: the condition of KEP-3329, which Jobs and people read. */
export const disruptionCondition = ({ reason, message }: Disruption, now: Date): JsonObject => ({
  type: 'DisruptionTarget',
  status: 'True',
  reason,
  message,
  lastTransitionTime: timeText(now),
})

/** Writes part of a Pod's status, if it still is this Pod. One that is gone needs none. */
export async function patchPodStatus(client: Client, pod: Pod, status: JsonObject | PodStatus): Promise<void> {
  const body = { metadata: { uid: pod.metadata.uid }, status } as unknown as JsonObject
  await unlessGone(client.patch(Pod, keyOf(pod), { type: 'strategic', subresource: 'status', body }))
}

/** Deletes this Pod, if it still is there. */
export async function deletePod(
  client: Client,
  pod: Pod,
  options: { readonly gracePeriodSeconds?: number } = {},
): Promise<void> {
  await unlessGone(client.delete(Pod, keyOf(pod), { ...options, preconditions: { uid: pod.metadata.uid } }))
}

async function unlessGone(write: Promise<unknown>): Promise<void> {
  try {
    await write
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}
