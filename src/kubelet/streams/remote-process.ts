import type { Readable } from 'node:stream'
import type { ProcessStreams, StreamsWanted, TerminalSize } from '../doors.ts'

/** Starts what the client asked for; the signal is aborted when the client is gone. */
export interface RemoteProcess {
  readonly wanted: StreamsWanted
  readonly open: (signal: AbortSignal) => Promise<ProcessStreams>
}

/** Reads a stream to its end, waiting for each piece to be taken. Never throws: an end is an end. */
export async function forEachChunk(
  stream: Readable | undefined,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  if (!stream) return
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) await take(chunk)
  } catch {
    stream.destroy() // Either side went away; the process's own end is told separately.
  }
}

export function terminalSizeOf(text: string): TerminalSize | undefined {
  try {
    const { Width: width, Height: height } = JSON.parse(text) as { Width?: unknown; Height?: unknown }
    return typeof width === 'number' && typeof height === 'number' ? { width, height } : undefined
  } catch {
    return undefined // Not a size: ignored, as upstream does.
  }
}
