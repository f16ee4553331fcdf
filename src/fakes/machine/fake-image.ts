import type { PodIdentity } from '../../kubelet/doors.ts'
import type { Clock } from '../../machinery/clock.ts'

/** A running container of the simulation, as the script of its image sees it. */
export interface FakeProcess {
  readonly pod: PodIdentity
  readonly containerName: string
  /** How often a container of this name has been started in the Pod before. */
  readonly attempt: number
  readonly hostname: string
  readonly address: string
  readonly env: ReadonlyMap<string, string>
  readonly command: readonly string[]
  readonly clock: Clock
  readonly isRunning: boolean
  /** Files as the container sees them: paths on volumes reach the volume, all others live as long as the container. */
  readFile(path: string): string | undefined
  writeFile(path: string, content: string): void
  print(line: string): void
  exit(code: number): void
}

export interface FakeRequest {
  readonly port: number
  readonly path: string
}

/** What the containers of one image do. All fields have a dull default: starts at once, runs for ever, stops on SIGTERM. */
export interface FakeImage {
  readonly sizeBytes?: number
  /** What each of its containers uses. */
  readonly memoryBytes?: number
  /** Absent: 0 ms, as from a machine that has it. Otherwise the image must be pulled once per machine. */
  readonly pullMs?: number
  /** The registry refuses with this message. */
  readonly pullError?: string
  /** The runtime refuses to start it with this message, as for a missing binary. */
  readonly startError?: string
  /** Ports and probes answer after this. */
  readonly readyMs?: number
  /** Ends by itself after this, with `exitCode`. */
  readonly exitsAfterMs?: number
  readonly exitCode?: number
  readonly exitReason?: string
  readonly ignoresStopSignal?: boolean
  /** Waits for something that never comes, as for a dead disk: not even SIGKILL ends it before the machine goes down. */
  readonly isStuck?: boolean
  /** How long it takes to end after the stop signal. */
  readonly stopMs?: number
  readonly stopExitCode?: number
  /** Ports that answer; absent: all. */
  readonly ports?: readonly number[]
  readonly user?: { readonly uid?: number; readonly name?: string }
  onStart?(process: FakeProcess): void
  onStop?(process: FakeProcess): void
  /** Answers HTTP probes and requests; absent: probes get 200, and a forwarded port sends back what it gets. */
  answer?(request: FakeRequest, process: FakeProcess): { readonly status: number; readonly body?: string }
  /** Runs a command in the container; absent: nothing printed, exit code 0. */
  exec?(command: readonly string[], process: FakeProcess): FakeExecResult
}

export interface FakeExecResult {
  readonly exitCode?: number
  readonly stdout?: string
  readonly stderr?: string
  /** How long it takes. */
  readonly tookMs?: number
}

/** Which image a reference names; undefined: no registry has it. */
export type FakeImages = (reference: string) => FakeImage | undefined

/** Any image exists and does nothing special. */
export const anyImage: FakeImages = () => ({})

/** Named images, and for all other references what `others` says. References are given as Pods write them. */
export const imagesNamed =
  (images: Readonly<Record<string, FakeImage>>, others: FakeImages = () => undefined): FakeImages =>
  reference =>
    images[reference] ?? others(reference)
