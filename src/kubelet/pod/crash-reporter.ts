import type { Pod } from '../../api/core-v1/types.ts'
import { CRASH_REASON, crashText } from '../../machinery/crash-event.ts'
import type { ContainerRecord } from '../doors.ts'
import type { PodContext } from './pod-context.ts'

const TAIL_LINES = 20
const LINE_CHARACTERS_MAX = 300

/**
 * Tells, as an event, the last line that a failed container printed, when it left no termination message. Status fields
 * stay as Kubernetes has them. The same words of a container are told once in a row
 * (docs/decisions/0008-last-line-of-a-crash.md).
 */
export class CrashReporter {
  readonly #context: PodContext
  readonly #toldByName = new Map<string, string>()

  constructor(context: PodContext) {
    this.#context = context
  }

  async report(pod: Pod, record: ContainerRecord): Promise<void> {
    const { name, id, exitCode = 0 } = record
    if (exitCode === 0 || isShown(pod, id)) return
    const lastLine = await this.#lastLineOf(record).catch(() => '') // A container that never started has no log.
    if (lastLine === '') return
    const message = crashText({ containerName: name, exitCode, lastLine })
    if (this.#toldByName.get(name) === message) return
    this.#toldByName.set(name, message)
    this.#context.events.record(pod, { type: 'Warning', reason: CRASH_REASON, message })
  }

  async #lastLineOf({ logPath }: ContainerRecord): Promise<string> {
    const { signal } = new AbortController()
    const parts: Uint8Array[] = []
    for await (const { content } of this.#context.doors.logs.read(logPath, { tailLines: TAIL_LINES, signal })) {
      parts.push(content)
    }
    const lines = Buffer.concat(parts)
      .toString('utf8')
      .split('\n')
      .map(line => line.trim())
    const line = lines.findLast(text => text !== '') ?? ''
    return line.length > LINE_CHARACTERS_MAX ? `${line.slice(0, LINE_CHARACTERS_MAX - 1)}…` : line
  }
}

/** Its end is in the status already: a kubelet that ran before this one has seen it. */
const isShown = ({ status }: Pod, containerId: string): boolean =>
  [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].some(({ state, lastState }) =>
    [state?.terminated, lastState?.terminated].some(ended => ended?.containerID?.endsWith(`//${containerId}`)),
  )
