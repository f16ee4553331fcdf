import type { Container, Probe } from '../../api/core-v1/types.ts'
import type { MachineDoors } from '../doors.ts'
import { isRuntimeError } from '../doors.ts'
import { portOf } from './probe-port.ts'

export type ProbeOutcome =
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly output: string }
  /** The probe itself could not be made; it counts as a failure, and the event says "errored". */
  | { readonly kind: 'error'; readonly output: string }

export interface ProbeTarget {
  readonly container: Container
  readonly containerId: string
  readonly podAddress: string
}

const OUTPUT_BYTES_MAX = 10 * 1024
const success: ProbeOutcome = { kind: 'success' }
const failure = (output: string): ProbeOutcome => ({ kind: 'failure', output })

/** Asks once whether a container is well. Never throws. */
export async function runProbe(doors: MachineDoors, probe: Probe, target: ProbeTarget): Promise<ProbeOutcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000
  try {
    if (probe.exec) return await execProbe(doors, probe.exec.command ?? [], { target, timeoutMs })
    if (probe.httpGet) return await httpProbe(doors, probe.httpGet, { target, timeoutMs })
    if (probe.tcpSocket) return await tcpProbe(doors, probe.tcpSocket, { target, timeoutMs })
    if (probe.grpc) return await grpcProbe(doors, probe.grpc, { target, timeoutMs })
    return { kind: 'error', output: 'missing probe handler' }
  } catch (error) {
    return { kind: 'error', output: messageOf(error) }
  }
}

interface Asked {
  readonly target: ProbeTarget
  readonly timeoutMs: number
}

async function execProbe(
  { runtime }: MachineDoors,
  command: readonly string[],
  { target, timeoutMs }: Asked,
): Promise<ProbeOutcome> {
  try {
    const { exitCode, stdout, stderr } = await runtime.execSync(target.containerId, command, timeoutMs)
    const output = Buffer.concat([stdout, stderr]).subarray(0, OUTPUT_BYTES_MAX).toString('utf8')
    return exitCode === 0 ? success : failure(output)
  } catch (error) {
    if (isRuntimeError(error, 'timeout'))
      return failure(`command timed out: "${command.join(' ')}" timed out after ${timeoutMs / 1000}s`)
    throw error
  }
}

async function httpProbe(
  { probes }: MachineDoors,
  get: NonNullable<Probe['httpGet']>,
  { target, timeoutMs }: Asked,
): Promise<ProbeOutcome> {
  const request = {
    scheme: get.scheme === 'HTTPS' ? 'https' : 'http',
    host: get.host || target.podAddress,
    port: portOf(get.port, target.container),
    path: get.path || '/',
    headers: get.httpHeaders ?? [],
  } as const
  try {
    const { status } = await probes.http(request, timeoutMs)
    return status >= 200 && status < 400 ? success : failure(`HTTP probe failed with statuscode: ${status}`)
  } catch (error) {
    const path = request.path.startsWith('/') ? request.path : `/${request.path}`
    return failure(`Get "${request.scheme}://${request.host}:${request.port}${path}": ${messageOf(error)}`)
  }
}

async function tcpProbe(
  { probes }: MachineDoors,
  { host, port }: NonNullable<Probe['tcpSocket']>,
  { target, timeoutMs }: Asked,
): Promise<ProbeOutcome> {
  const address = { host: host || target.podAddress, port: portOf(port, target.container) }
  try {
    await probes.tcp(address, timeoutMs)
    return success
  } catch (error) {
    return failure(messageOf(error))
  }
}

async function grpcProbe(
  { probes }: MachineDoors,
  { port, service = '' }: NonNullable<Probe['grpc']>,
  { target, timeoutMs }: Asked,
): Promise<ProbeOutcome> {
  try {
    const status = await probes.grpc({ host: target.podAddress, port, service }, timeoutMs)
    return status === 'SERVING' ? success : failure(`service unhealthy (responded with "${status}")`)
  } catch (error) {
    return failure(messageOf(error))
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
