import type { Container } from '../../api/core-v1/types.ts'
import type { ContainerRecord } from '../doors.ts'
import { terminationLogPathOf } from './container-mounts.ts'
import type { PodContext } from './pod-context.ts'

const MESSAGE_BYTES_MAX = 4096
const FALLBACK_BYTES_MAX = 2048
const FALLBACK_LINES_MAX = 80

/** The last words of a container: what it wrote to its termination log, or the end of its output where asked for. */
export async function terminationMessageOf(
  context: PodContext,
  record: ContainerRecord,
  container: Container | undefined,
): Promise<string> {
  const path = terminationLogPathOf(context, { podUid: record.pod.uid, name: record.name, attempt: record.attempt })
  const content = await context.doors.disk.readFile(path, MESSAGE_BYTES_MAX)
  if (content?.length) return Buffer.from(content).toString('utf8')
  const isFallback = container?.terminationMessagePolicy === 'FallbackToLogsOnError' && record.exitCode !== 0
  return isFallback ? lastOutputOf(context, record) : ''
}

async function lastOutputOf({ doors }: PodContext, { logPath }: ContainerRecord): Promise<string> {
  const parts: Uint8Array[] = []
  const signal = new AbortController().signal
  for await (const { content } of doors.logs.read(logPath, { tailLines: FALLBACK_LINES_MAX, signal }))
    parts.push(content)
  return Buffer.concat(parts).subarray(-FALLBACK_BYTES_MAX).toString('utf8')
}
