import type { Event, Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../../api/core-v1/types.ts'
import type { StorageClass, VolumeAttachment } from '../../../api/storage-v1/types.ts'
import { metaOf, nodeOf } from '../../fixtures.ts'
import type { Evidence } from './evidence.ts'

export interface KnownThings {
  readonly now?: Date
  readonly pods?: readonly Pod[]
  readonly nodes?: readonly Node[]
  readonly claims?: readonly PersistentVolumeClaim[]
  readonly volumes?: readonly PersistentVolume[]
  readonly classes?: readonly StorageClass[]
  readonly attachments?: readonly VolumeAttachment[]
  readonly warnings?: readonly Event[]
}

export const evidenceOf = (known: KnownThings = {}): Evidence => ({
  now: known.now ?? new Date('2026-01-01T01:00:00Z'),
  podNamed: name => known.pods?.find(({ metadata }) => metadata.name === name),
  nodeNamed: name => known.nodes?.find(({ metadata }) => metadata.name === name),
  claimNamed: name => known.claims?.find(({ metadata }) => metadata.name === name),
  volumeNamed: name => known.volumes?.find(({ metadata }) => metadata.name === name),
  storageClasses: () => known.classes ?? [],
  attachmentsOf: name => (known.attachments ?? []).filter(({ spec }) => spec.source.persistentVolumeName === name),
  warningsAbout: uid => (known.warnings ?? []).filter(({ involvedObject }) => involvedObject.uid === uid),
})

export const warningAbout = (
  { metadata }: Pod | PersistentVolumeClaim,
  { reason, message, fieldPath }: { reason: string; message: string; fieldPath?: string },
): Event => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: metaOf('e') as Event['metadata'],
  involvedObject: { uid: metadata.uid, name: metadata.name, ...(fieldPath && { fieldPath }) },
  type: 'Warning',
  reason,
  message,
  firstTimestamp: '2026-01-01T00:20:00Z',
  lastTimestamp: '2026-01-01T00:30:00Z',
})

export const silentNode = (name: string): Node =>
  nodeOf(name, {
    status: { conditions: [{ type: 'Ready', status: 'Unknown', lastTransitionTime: '2026-01-01T00:10:00Z' }] },
  })

export const volumeOn = (name: string, hostname: string): PersistentVolume => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: metaOf(name),
  spec: {
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [hostname] }] },
        ],
      },
    },
  },
  status: {},
})
