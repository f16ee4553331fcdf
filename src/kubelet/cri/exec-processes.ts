import { Metadata } from '@grpc/grpc-js'
import protobuf from 'protobufjs'
import type { Clock } from '../../machinery/clock.ts'
import type { CriChannel } from './grpc-channel.ts'

const KILL = '/containerd.services.tasks.v1.Tasks/Kill'
const NAMESPACE = 'k8s.io'
const SIGHUP = 1
const SIGKILL = 9
/** What a process may still do when its client is gone. */
const FAREWELL_MS = 5000
/** A start that takes longer is not waited for, and from then on nobody can say which process is whose. */
const START_MS_MAX = 10_000

/** One command that is being started in a container. */
export interface ExecTurn {
  /** containerd's own name of the process, once it runs; undefined when that never becomes known. */
  readonly started: Promise<string | undefined>
  /** It has ended, or will never start. */
  over(): void
}

interface Open extends ExecTurn {
  readonly note: (execId: string | undefined) => void
}

/**
 * Which process in a container a command became, so that it can be ended when whoever asked for it is gone: neither CRI
 * nor containerd do that by themselves. CRI does not tell, but containerd's events do; so commands in one container start
 * one after the other.
 */
export class ExecProcesses {
  readonly #channel: CriChannel
  readonly #clock: Clock
  readonly #open = new Map<string, Open>()
  readonly #last = new Map<string, Promise<unknown>>()
  readonly #unclear = new Set<string>()
  #isListening = false

  constructor({ channel, clock }: { channel: CriChannel; clock: Clock }) {
    this.#channel = channel
    this.#clock = clock
  }

  /** The stream of events begins, or ends. What is starting at that moment stays unknown. */
  set isListening(isListening: boolean) {
    this.#isListening = isListening
    for (const { note } of this.#open.values()) note(undefined)
  }

  noteStarted(containerId: string, execId: string): void {
    this.#open.get(containerId)?.note(execId)
  }

  /** Resolves when it may start. */
  async turn(containerId: string): Promise<ExecTurn> {
    const before = this.#last.get(containerId)
    const turn = this.#newTurn(containerId)
    const started = turn.started.finally(() => {
      if (this.#last.get(containerId) === started) this.#last.delete(containerId)
    })
    this.#last.set(containerId, started)
    await before
    if (!this.#isListening || this.#unclear.has(containerId)) turn.over()
    else this.#begin(containerId, turn)
    return turn
  }

  #newTurn(containerId: string): Open {
    const { promise: started, resolve } = Promise.withResolvers<string | undefined>()
    const note = (execId: string | undefined): void => {
      if (this.#open.get(containerId)?.started === started) this.#open.delete(containerId)
      resolve(execId)
    }
    return { started, note, over: () => note(undefined) }
  }

  #begin(containerId: string, turn: Open): void {
    this.#open.set(containerId, turn)
    const late = this.#clock.schedule(START_MS_MAX, () => {
      this.#unclear.add(containerId)
      turn.over()
    })
    void turn.started.then(() => late.cancel())
  }

  /** Tells the process that its terminal is gone, and kills it when it does not care. */
  async end(containerId: string, execId: string): Promise<void> {
    if (!(await this.#kill({ containerId, execId, signal: SIGHUP }))) return
    await this.#clock.sleep(FAREWELL_MS)
    await this.#kill({ containerId, execId, signal: SIGKILL })
  }

  /** False when it is not there any more, or nobody knows. */
  #kill({ containerId, execId, signal }: { containerId: string; execId: string; signal: number }): Promise<boolean> {
    const metadata = new Metadata()
    metadata.set('containerd-namespace', NAMESPACE)
    const request = protobuf.Writer.create()
    request.uint32(0x0a).string(containerId).uint32(0x12).string(execId).uint32(0x18).uint32(signal)
    return new Promise<boolean>(resolve => {
      this.#channel.client.makeUnaryRequest(
        KILL,
        (bytes: Uint8Array) => Buffer.from(bytes),
        () => undefined,
        request.finish(),
        metadata,
        error => resolve(!error),
      )
    }).catch(() => false) // The channel was closed: the kubelet has stopped.
  }
}
