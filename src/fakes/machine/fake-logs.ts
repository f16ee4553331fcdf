import type { ContainerLogs, LogLine } from '../../kubelet/doors.ts'
import { EventQueue } from '../../kubelet/event-queue.ts'
import type { Clock } from '../../machinery/clock.ts'

/** What the containers of the simulation print. */
export class FakeLogs implements ContainerLogs {
  readonly #clock: Clock
  readonly #files = new Map<string, LogLine[]>()
  readonly #followers = new Map<string, Set<EventQueue<LogLine | 'ended'>>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  write(path: string, text: string, stream: LogLine['stream'] = 'stdout'): void {
    const time = this.#clock.now().toISOString().replace('Z', '000000Z')
    const line: LogLine = { time, stream, content: Buffer.from(`${text}\n`) }
    const lines = this.#files.get(path) ?? []
    lines.push(line)
    this.#files.set(path, lines)
    for (const follower of this.#followers.get(path) ?? []) follower.push(line)
  }

  /** Nothing more comes for this path. */
  end(path: string): void {
    for (const follower of this.#followers.get(path) ?? []) follower.push('ended')
  }

  async *read(path: string, options: Parameters<ContainerLogs['read']>[1]): AsyncIterable<LogLine> {
    const { tailLines, since, follow, signal } = options
    const queue = new EventQueue<LogLine | 'ended'>()
    const followers = this.#followers.get(path) ?? new Set()
    this.#followers.set(path, followers.add(queue))
    try {
      const lines = [...(this.#files.get(path) ?? [])]
      const recent = since ? lines.filter(({ time }) => Date.parse(time) >= since.getTime()) : lines
      yield* tailLines === undefined ? recent : recent.slice(recent.length - Math.min(tailLines, recent.length))
      if (!follow || (await follow.isFinished())) return
      for await (const line of queue.read(signal)) {
        if (line === 'ended') return
        yield line
      }
    } finally {
      followers.delete(queue)
    }
  }

  async sizeOf(path: string): Promise<number> {
    return (this.#files.get(path) ?? []).reduce((sum, { content }) => sum + content.byteLength, 0)
  }

  async rotate(path: string, filesMax: number): Promise<void> {
    const lines = this.#files.get(path)
    if (lines && filesMax > 1) this.#files.set(`${path}.1`, lines)
    this.#files.set(path, [])
  }

  async remove(path: string): Promise<void> {
    for (const known of this.#files.keys())
      if (known === path || known.startsWith(`${path}.`)) this.#files.delete(known)
  }
}
