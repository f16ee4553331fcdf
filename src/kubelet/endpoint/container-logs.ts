import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { ContainerStatus, Pod } from '../../api/core-v1/types.ts'
import type { Clock } from '../../machinery/clock.ts'
import { timeOf } from '../../machinery/time.ts'
import type { ContainerRecord, LogLine, MachineDoors } from '../doors.ts'
import type { PodWorker } from '../pod/pod-worker.ts'
import { HttpFailure } from './http-failure.ts'

export interface LogRequest {
  readonly worker: PodWorker
  readonly container: string
  readonly query: URLSearchParams
  readonly response: ServerResponse
  readonly signal: AbortSignal
}

const WAITING_TEXT: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: 'trying and failing to pull image',
}

/** Answers `/containerLogs/NAMESPACE/POD/CONTAINER`. */
export async function serveLogs(
  { doors, clock }: { doors: MachineDoors; clock: Clock },
  { worker, container, query, response, signal }: LogRequest,
): Promise<void> {
  const { pod } = worker
  const isTrue = (name: string): boolean => /^(1|true)$/i.test(query.get(name) ?? '')
  const id = containerIdFor(pod, container, isTrue('previous'))
  const record = await recordOf(doors, worker, id)
  if (!record) throw new HttpFailure(404, `unable to retrieve container logs for containerd://${id}`)
  const tail = query.get('tailLines')
  const since = sinceOf(query, clock)
  const isFinished = async (): Promise<boolean> => (await recordOf(doors, worker, id))?.phase !== 'running'
  const lines = doors.logs.read(record.logPath, {
    ...(tail !== null && { tailLines: Number(tail) }),
    ...(since && { since }),
    ...(isTrue('follow') && { follow: { isFinished } }),
    signal,
  })
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.flushHeaders()
  await writeLines(lines, { response, query, hasTimes: isTrue('timestamps'), signal })
  response.end()
}

interface Written {
  readonly response: ServerResponse
  readonly query: URLSearchParams
  readonly hasTimes: boolean
  readonly signal: AbortSignal
}

async function writeLines(
  lines: AsyncIterable<LogLine>,
  { response, query, hasTimes, signal }: Written,
): Promise<void> {
  const stream = query.get('stream')?.toLowerCase()
  let left = Number(query.get('limitBytes') ?? Number.POSITIVE_INFINITY)
  let isStart = true
  for await (const { time, stream: from, content } of lines) {
    if (stream && stream !== 'all' && stream !== from) continue
    const whole = hasTimes && isStart ? Buffer.concat([Buffer.from(`${time} `), content]) : Buffer.from(content)
    isStart = content.at(-1) === 0x0a // Parts of one long line share one time.
    const text = whole.subarray(0, Math.min(left, whole.length))
    left -= text.length
    if (!response.write(text)) await once(response, 'drain', { signal })
    if (left <= 0) return
  }
}

function sinceOf(query: URLSearchParams, clock: Clock): Date | undefined {
  const seconds = query.get('sinceSeconds')
  if (seconds !== null) return new Date(clock.now().getTime() - Number(seconds) * 1000)
  const time = query.get('sinceTime')
  return time === null ? undefined : timeOf(time)
}

async function recordOf(doors: MachineDoors, { pod }: PodWorker, id: string): Promise<ContainerRecord | undefined> {
  const records = await doors.runtime.listContainers({ podUid: pod.metadata.uid })
  return records.find(record => record.id === id)
}

/** Which container's output is meant, by what the Pod's status shows. Throws in upstream's words when there is none. */
function containerIdFor(pod: Pod, name: string, isPrevious: boolean): string {
  const status = statusOf(pod, name)
  const where = `container "${name}" in pod "${pod.metadata.name}"`
  if (!status) throw new HttpFailure(400, `container "${name}" is not valid for pod ${pod.metadata.name}`)
  const { state, lastState, containerID } = status
  if (isPrevious) {
    if (lastState?.terminated?.containerID) return bareId(lastState.terminated.containerID)
    throw new HttpFailure(400, `previous terminated ${where} not found`)
  }
  if (state?.running && containerID) return bareId(containerID)
  const ended = state?.terminated?.containerID ?? lastState?.terminated?.containerID
  if (ended) return bareId(ended)
  const reason = state?.waiting?.reason ?? 'unknown'
  throw new HttpFailure(400, `${where} is waiting to start: ${WAITING_TEXT[reason] ?? reason}`)
}

function statusOf({ status, spec }: Pod, name: string): ContainerStatus | undefined {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = status
  const found = [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find(
    known => known.name === name,
  )
  const isInSpec = [...spec.containers, ...(spec.initContainers ?? [])].some(container => container.name === name)
  if (found || !isInSpec) return found
  return {
    name,
    image: '',
    imageID: '',
    ready: false,
    restartCount: 0,
    state: { waiting: { reason: 'ContainerCreating' } },
  }
}

const bareId = (id: string): string => id.replace(/^\w+:\/\//, '')
