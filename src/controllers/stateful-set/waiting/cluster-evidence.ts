import { Event, Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../../api/core-v1/types.ts'
import { StorageClass, VolumeAttachment } from '../../../api/storage-v1/types.ts'
import type { Informer, InformerFactory } from '../../../client/informer.ts'
import type { Evidence } from './evidence.ts'

const BY_SUBJECT = 'stateful-set: uid of what a warning is about'
const BY_VOLUME = 'stateful-set: volume that is attached'

/** Warnings are few: a healthy cluster makes none, and they expire. */
export const warningsOf = (informers: InformerFactory): Informer<Event> =>
  informers.informer(Event, { fieldSelector: 'type=Warning' })

/** Evidence out of caches: nothing is asked of the server when a set explains itself. */
export function clusterEvidence(informers: InformerFactory): (namespace: string, now: Date) => Evidence {
  const pods = informers.informer(Pod)
  const claims = informers.informer(PersistentVolumeClaim)
  const nodes = informers.informer(Node)
  const volumes = informers.informer(PersistentVolume)
  const classes = informers.informer(StorageClass)
  const attachments = informers.informer(VolumeAttachment)
  const warnings = warningsOf(informers)
  attachments.addIndex(BY_VOLUME, ({ spec }) => toList(spec.source.persistentVolumeName))
  warnings.addIndex(BY_SUBJECT, ({ involvedObject }) => toList(involvedObject.uid))
  return (namespace, now) => ({
    now,
    podNamed: name => pods.get({ namespace, name }),
    nodeNamed: name => nodes.get({ name }),
    claimNamed: name => claims.get({ namespace, name }),
    volumeNamed: name => volumes.get({ name }),
    storageClasses: () => classes.list(),
    attachmentsOf: volumeName => attachments.byIndex(BY_VOLUME, volumeName),
    warningsAbout: uid => warnings.byIndex(BY_SUBJECT, uid).toSorted(byTime),
  })
}

const toList = (value: string | undefined): readonly string[] => (value === undefined ? [] : [value])

const timeOfEvent = (event: Event): string =>
  event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp

const byTime = (a: Event, b: Event): number => (timeOfEvent(a) < timeOfEvent(b) ? -1 : 1)
