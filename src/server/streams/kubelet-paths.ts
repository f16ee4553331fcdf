import type { Pod } from '../../api/core-v1/types.ts'
import { badRequest } from '../../machinery/status.ts'
import { isTrue } from '../http/request-info.ts'

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container'
/** Queries of PodExecOptions and PodAttachOptions, by the names that kubelets know. */
const STREAM_NAMES = new Map([
  ['stdin', 'input'],
  ['stdout', 'output'],
  ['stderr', 'error'],
  ['tty', 'tty'],
])
const LOG_OPTIONS = [
  'follow',
  'previous',
  'sinceSeconds',
  'sinceTime',
  'timestamps',
  'tailLines',
  'limitBytes',
  'stream',
]

/** Where a kubelet answers for one container: `/exec/NAMESPACE/POD/CONTAINER?command=…`. */
export function containerPath(what: string, pod: Pod, query: URLSearchParams): string {
  const container = containerOf(pod, query.get('container'))
  const options = what === 'containerLogs' ? logOptions(query) : streamOptions(query)
  const { namespace, name } = pod.metadata
  return `/${what}/${[namespace, name, container].map(encodeURIComponent).join('/')}?${options}`
}

export function portForwardPath({ metadata }: Pod, query: URLSearchParams): string {
  const ports = query.getAll('ports').map(port => `port=${encodeURIComponent(port)}`)
  const { namespace, name } = metadata
  return `/portForward/${[namespace, name].map(encodeURIComponent).join('/')}${ports.length > 0 ? `?${ports.join('&')}` : ''}`
}

function containerOf({ metadata, spec }: Pod, asked: string | null): string {
  const names = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])].map(
    ({ name }) => name,
  )
  if (asked) {
    if (names.includes(asked)) return asked
    throw badRequest(`container ${asked} is not valid for pod ${metadata.name}`)
  }
  const preferred = metadata.annotations?.[DEFAULT_CONTAINER]
  if (preferred && names.includes(preferred)) return preferred
  if (spec.containers.length === 1) return spec.containers[0]!.name
  const choices = spec.containers.map(({ name }) => name).join(' ')
  throw badRequest(`a container name must be specified for pod ${metadata.name}, choose one of: [${choices}]`)
}

function streamOptions(query: URLSearchParams): URLSearchParams {
  const options = new URLSearchParams()
  for (const [name, kubeletName] of STREAM_NAMES) if (isTrue(query.get(name))) options.set(kubeletName, '1')
  for (const word of query.getAll('command')) options.append('command', word)
  return options
}

function logOptions(query: URLSearchParams): URLSearchParams {
  const options = new URLSearchParams()
  for (const name of LOG_OPTIONS) {
    const value = query.get(name)
    if (value === null || value === '') continue
    if (/^(sinceSeconds|tailLines|limitBytes)$/.test(name) && !/^\d+$/.test(value)) {
      throw badRequest(`the query parameter "${name}" must be a whole number of at least 0, not "${value}"`)
    }
    options.set(name, value)
  }
  return options
}
