import type { Container, LifecycleHandler } from '../../api/core-v1/types.ts'
import { portOf } from '../probes/probe-port.ts'
import type { PodContext } from './pod-context.ts'

const HOOK_TIMEOUT_MS = 3_600_000

export interface HookTarget {
  readonly container: Container
  readonly containerId: string
  readonly podAddress: string
}

/** Runs a postStart or preStop handler. Throws with what it answered when it failed. */
export async function runHook(
  { doors, clock }: PodContext,
  hook: LifecycleHandler,
  { container, containerId, podAddress }: HookTarget,
  timeoutMs: number = HOOK_TIMEOUT_MS,
): Promise<void> {
  const { exec, httpGet, tcpSocket, sleep } = hook
  if (exec) {
    const command = exec.command ?? []
    const { exitCode, stderr, stdout } = await doors.runtime.execSync(containerId, command, timeoutMs)
    if (exitCode === 0) return
    const output = Buffer.from(stderr.length > 0 ? stderr : stdout).toString('utf8')
    throw new Error(`command '${command.join(' ')}' exited with ${exitCode}: ${output}`)
  }
  if (httpGet) {
    const { status, body } = await doors.probes.http(
      {
        scheme: httpGet.scheme === 'HTTPS' ? 'https' : 'http',
        host: httpGet.host || podAddress,
        port: portOf(httpGet.port, container),
        path: httpGet.path ?? '/',
        headers: httpGet.httpHeaders ?? [],
      },
      timeoutMs,
    )
    if (status >= 400) throw new Error(`HTTP hook answered ${status}: ${body}`)
    return
  }
  if (tcpSocket) {
    await doors.probes.tcp({ host: tcpSocket.host || podAddress, port: portOf(tcpSocket.port, container) }, timeoutMs)
  }
  if (sleep) await clock.sleep(Math.min(sleep.seconds * 1000, timeoutMs))
}
