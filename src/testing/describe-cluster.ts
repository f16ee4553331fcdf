import { StatefulSet } from '../api/apps-v1/types.ts'
import { Event, Node, Pod } from '../api/core-v1/types.ts'
import type { Client } from '../client/client.ts'
import { isPodReady } from '../machinery/pod-state.ts'

const EVENTS_MAX = 10

/** What a person would look at first: why sets wait, each Pod in one line, machines that are not well, the last events. */
export async function describeCluster(client: Client, namespace: string): Promise<string> {
  const [sets, pods, nodes, events] = await Promise.all([
    client.list(StatefulSet, { namespace }),
    client.list(Pod, { namespace }),
    client.list(Node),
    client.list(Event, { namespace }),
  ])
  const unwell = nodes.items.filter(node => !isNodeReady(node)).map(({ metadata }) => `${metadata.name} is not ready`)
  const told = [...events.items].sort(byTime).slice(-EVENTS_MAX)
  return [
    ...sets.items.map(setText),
    ...pods.items.map(podText),
    ...unwell,
    ...told.map(({ reason, message }) => `  ${reason} ${message}`),
  ].join('\n')
}

function setText({ metadata, spec, status }: StatefulSet): string {
  const { readyReplicas = 0, conditions } = status ?? {}
  const progress = conditions?.find(({ type }) => type === 'Progressing')
  const why = progress?.message ? `: ${progress.message}` : ''
  return `statefulset ${metadata.name} ${readyReplicas} of ${spec.replicas ?? 1} ready${why}`
}

function podText(pod: Pod): string {
  const { metadata, spec, status } = pod
  const states = status.containerStatuses?.flatMap(({ name, state }) => {
    const { reason, message } = state?.waiting ?? state?.terminated ?? {}
    return reason ? [`${name} ${reason}${message ? ` (${message})` : ''}`] : []
  })
  const going = metadata.deletionTimestamp ? ['terminating'] : []
  const place = `node=${spec.nodeName ?? '-'}`
  const words = [
    metadata.name,
    status.phase,
    isPodReady(pod) ? 'ready' : 'not ready',
    place,
    ...going,
    ...(states ?? []),
  ]
  return words.join(' ')
}

const isNodeReady = ({ status }: Node): boolean =>
  status.conditions?.some(condition => condition.type === 'Ready' && condition.status === 'True') ?? false

/** Oldest first. */
export const byTime = (a: Event, b: Event): number =>
  (a.firstTimestamp ?? '').localeCompare(b.firstTimestamp ?? '') ||
  Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion)
