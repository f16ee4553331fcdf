// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.
import type { EventSource, ObjectReference } from '../core-v1/types.ts'
import type { Kind, NamespacedMeta } from '../kind.ts'
import type { ListMeta, MicroTime, Time } from '../meta-v1/types.ts'

export interface Event {
  readonly action?: string
  readonly apiVersion: 'events.k8s.io/v1'
  readonly deprecatedCount?: number
  readonly deprecatedFirstTimestamp?: Time
  readonly deprecatedLastTimestamp?: Time
  readonly deprecatedSource?: EventSource
  readonly eventTime: MicroTime
  readonly kind: 'Event'
  readonly metadata: NamespacedMeta
  readonly note?: string
  readonly reason?: string
  readonly regarding?: ObjectReference
  readonly related?: ObjectReference
  readonly reportingController?: string
  readonly reportingInstance?: string
  readonly series?: EventSeries
  readonly type?: string
}

export const Event: Kind<Event> = { group: 'events.k8s.io', version: 'v1', apiVersion: 'events.k8s.io/v1', kind: 'Event', plural: 'events', namespaced: true }

export interface EventList {
  readonly apiVersion?: string
  readonly items: readonly Event[]
  readonly kind?: string
  readonly metadata?: ListMeta
}

export interface EventSeries {
  readonly count: number
  readonly lastObservedTime: MicroTime
}
