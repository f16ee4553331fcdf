import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ContainerRuntime, StreamsWanted } from '../doors.ts'
import { readySandboxOf } from '../pod/pod-view.ts'
import type { PodWorker } from '../pod/pod-worker.ts'
import { servePortForwardOverSpdy, servePortForwardOverWebSocket } from '../streams/port-forward.ts'
import type { RemoteProcess } from '../streams/remote-process.ts'
import { serveProcessOverSpdy } from '../streams/spdy-process.ts'
import { serveProcessOverWebSocket } from '../streams/websocket-process.ts'
import { HttpFailure } from './http-failure.ts'

export interface UpgradeTarget {
  readonly what: string
  readonly query: URLSearchParams
  readonly worker: PodWorker
  /** Of the container that is meant; empty for port-forward. */
  readonly containerId: string
  /** Whether it was made with a terminal. */
  readonly hasTerminal: boolean
  readonly runtime: ContainerRuntime
}

/** Answers exec, attach and port-forward in the protocol that the client asks for. */
export async function serveUpgrade(
  upgrade: { request: IncomingMessage; socket: Duplex; head: Buffer },
  target: UpgradeTarget,
): Promise<void> {
  const isWebSocket = upgrade.request.headers.upgrade?.toLowerCase() === 'websocket'
  const { what } = target
  if (what === 'portForward') {
    const openPort = portOpenerOf(target)
    const ports = target.query
      .getAll('port')
      .flatMap(text => text.split(','))
      .map(Number)
    if (isWebSocket) await servePortForwardOverWebSocket(upgrade, { openPort, ports })
    else await servePortForwardOverSpdy(upgrade, openPort)
    return
  }
  if (what !== 'exec' && what !== 'attach') throw new HttpFailure(404, '404 page not found')
  const remote = remoteProcessOf(target)
  if (isWebSocket) await serveProcessOverWebSocket(upgrade, remote)
  else await serveProcessOverSpdy(upgrade, remote)
}

function portOpenerOf({
  worker,
  runtime,
}: UpgradeTarget): (port: number, signal: AbortSignal) => ReturnType<ContainerRuntime['portForward']> {
  const sandbox = readySandboxOf(worker.view)
  if (!sandbox) throw new HttpFailure(404, `the pod ${worker.pod.metadata.name} has no network yet`)
  return (port, signal) => runtime.portForward(sandbox.id, port, signal)
}

function remoteProcessOf({ what, query, containerId, hasTerminal, runtime }: UpgradeTarget): RemoteProcess {
  const isTrue = (name: string): boolean => /^(1|true)$/i.test(query.get(name) ?? '')
  const tty = isTrue('tty')
  const wanted: StreamsWanted = {
    stdin: isTrue('input'),
    stdout: isTrue('output'),
    stderr: isTrue('error') && !tty,
    tty,
  }
  if (!wanted.stdin && !wanted.stdout && !wanted.stderr) {
    throw new HttpFailure(400, 'you must specify at least 1 of stdin, stdout, stderr')
  }
  const command = query.getAll('command')
  if (what === 'attach') {
    // A running process keeps the terminal, or none, that it began with: the client, who may have none, does not choose.
    const joined = { ...wanted, stderr: wanted.stderr && !hasTerminal, tty: hasTerminal }
    return { wanted, open: signal => runtime.attach(containerId, joined, signal) }
  }
  if (command.length === 0) throw new HttpFailure(400, 'you must specify a command')
  return { wanted, open: signal => runtime.exec(containerId, { ...wanted, command }, signal) }
}
