import { expect, test } from 'vitest'
import type { Pod, PodStatus } from '../../api/core-v1/types.ts'
import type { Client } from '../../client/client.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { silentLogger } from '../../machinery/logger.ts'
import { mirrorOf } from './manifests.ts'
import { MirrorRecord } from './mirror-record.ts'

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: 'kube-system',
    name: 'web',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations: { 'kubernetes.io/config.hash': 'h', 'kubernetes.io/config.source': 'file' },
  },
  spec: { containers: [{ name: 'c', image: 'i' }] },
  status: {},
}

test('whenever the news comes, the mirror shows the last of it', async () => {
  for (let turns = 0; turns < 30; turns++) {
    let shown: PodStatus | undefined
    const client = {
      find: async () => mirrorOf(pod, { name: 'a', uid: 'n' }),
      updateStatus: async (_kind: unknown, { status }: Pod) => {
        shown = status
      },
    } as unknown as Client // The two calls that a mirror which is there takes.
    const options = { nodeName: 'a', client, clock: new VirtualClock(), logger: silentLogger }
    const record = new MirrorRecord(pod, { ...options, signal: new AbortController().signal })
    await record.publish(() => ({ phase: 'Pending' }))
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    await record.publish(() => ({ phase: 'Running' }))
    for (let turn = 0; turn < 50; turn++) await Promise.resolve()
    expect(shown, `after ${turns} turns`).toEqual({ phase: 'Running' })
  }
})
