import { Event } from '../../api/core-v1/types.ts'
import type { Event as NewEvent } from '../../api/events-v1/types.ts'
import { required } from '../../machinery/field-error.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { defineKind, type KindDefinition } from '../kind-definition.ts'
import type { VersionConversion } from '../served-kind.ts'
import { ageText } from '../tables/age.ts'
import { integer, text, wide } from '../tables/columns.ts'

const HOUR_MS = 3_600_000

export const events = defineKind(Event, {
  ttlMs: HOUR_MS,
  createsOnUpdate: true,
  selectableFields: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject?.kind,
    'involvedObject.namespace': ({ involvedObject }) => involvedObject?.namespace,
    'involvedObject.name': ({ involvedObject }) => involvedObject?.name,
    'involvedObject.uid': ({ involvedObject }) => involvedObject?.uid,
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject?.apiVersion,
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject?.resourceVersion,
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject?.fieldPath,
    reason: ({ reason }) => reason,
    reportingComponent: ({ reportingComponent }) => reportingComponent,
    source: ({ source, reportingComponent }) => source?.component || reportingComponent,
    type: ({ type }) => type,
  },
  hidesName: true,
  columns: [
    text('Last Seen', lastSeenText),
    text('Type', ({ type }) => type ?? ''),
    text('Reason', ({ reason }) => reason ?? ''),
    text('Object', ({ involvedObject }) =>
      involvedObject?.name
        ? `${involvedObject.kind?.toLowerCase()}/${involvedObject.name}`
        : (involvedObject?.kind?.toLowerCase() ?? ''),
    ),
    wide(text('Subobject', ({ involvedObject }) => involvedObject?.fieldPath ?? '')),
    wide(text('Source', sourceText)),
    text('Message', ({ message }) => (message ?? '').trim()),
    wide(text('First Seen', firstSeenText)),
    wide(integer('Count', ({ series, count }) => series?.count ?? (count || 1))),
    wide({ name: 'Name', type: 'string', format: 'name', cell: ({ metadata }) => metadata.name }),
  ],
})

function firstSeenText({ firstTimestamp, eventTime }: Event, now: Date): string {
  return ageText(firstTimestamp ?? eventTime, now)
}

function lastSeenText(event: Event, now: Date): string {
  const { series, lastTimestamp, firstTimestamp, eventTime } = event
  return ageText(series?.lastObservedTime ?? lastTimestamp ?? firstTimestamp ?? eventTime, now)
}

function sourceText({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source?.component || reportingComponent || ''
  const host = source?.host || reportingInstance
  return host ? `${component}, ${host}` : component
}

/** The newer view has the rules and columns of the older one; only its fields have other names. */
export const eventsOfEventsGroup: KindDefinition = {
  group: 'events.k8s.io',
  plural: 'events',
  differences: {
    ttlMs: HOUR_MS,
    createsOnUpdate: true,
    validateCreate: ({ eventTime }) => (eventTime ? [] : [required('eventTime')]),
    selectableFields: {
      'regarding.kind': regarded('kind'),
      'regarding.namespace': regarded('namespace'),
      'regarding.name': regarded('name'),
      'regarding.uid': regarded('uid'),
      'regarding.apiVersion': regarded('apiVersion'),
      'regarding.resourceVersion': regarded('resourceVersion'),
      'regarding.fieldPath': regarded('fieldPath'),
      reason: ({ reason }) => reason as string | undefined,
      reportingController: ({ reportingController }) => reportingController as string | undefined,
      type: ({ type }) => type as string | undefined,
    },
    hidesName: true,
    columns: events.differences.columns!.map(column => ({
      ...column,
      cell: (object: JsonObject, now: Date) => column.cell(eventConversion.toStored(object), now),
    })),
  },
}

function regarded(field: string): (event: JsonObject) => string | undefined {
  return ({ regarding }) => (regarding as { readonly [field: string]: string } | undefined)?.[field]
}

/** events.k8s.io/v1 and core/v1 Events are one object with fields of two names. */
export const eventConversion: VersionConversion = {
  toStored(object) {
    const {
      note,
      regarding,
      reportingController,
      deprecatedCount,
      deprecatedFirstTimestamp,
      deprecatedLastTimestamp,
      deprecatedSource,
      ...same
    } = object as unknown as NewEvent
    return withoutUndefined({
      ...same,
      apiVersion: 'v1',
      message: note,
      involvedObject: regarding ?? {},
      reportingComponent: reportingController,
      count: deprecatedCount,
      firstTimestamp: deprecatedFirstTimestamp,
      lastTimestamp: deprecatedLastTimestamp,
      source: deprecatedSource,
    })
  },
  fromStored(object) {
    const { message, involvedObject, reportingComponent, count, firstTimestamp, lastTimestamp, source, ...same } =
      object as unknown as Event
    return withoutUndefined({
      ...same,
      apiVersion: 'events.k8s.io/v1',
      note: message,
      regarding: involvedObject,
      reportingController: reportingComponent,
      deprecatedCount: count,
      deprecatedFirstTimestamp: firstTimestamp,
      deprecatedLastTimestamp: lastTimestamp,
      deprecatedSource: source,
    })
  },
}

const withoutUndefined = (object: object): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as JsonObject
