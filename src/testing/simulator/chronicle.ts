import type { StatefulSet } from '../../api/apps-v1/types.ts'
import type { PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import type { KubernetesObject } from '../../api/kind.ts'
import type { Clock } from '../../machinery/clock.ts'
import { isPodReady, isPodTerminating } from '../../machinery/pod-state.ts'
import type { SimulatedMachine } from '../simulated-machine.ts'
import { momentText, section } from './describe.ts'
import type { Change } from './store-truth.ts'

/** So many of the last lines are told; what lies further back is in the scenario. */
const LINES_MAX = 40

/** What happened in a run, in the words of a person who looks into it: one line for each deed, and for each change that can be seen. */
export class Chronicle {
  readonly #clock: Clock
  readonly #lines: string[] = []
  /** By kind and name: how each object stands. */
  readonly #now = new Map<string, string>()
  readonly #conditions = new Map<string, string>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(line: string): void {
    this.#lines.push(`${momentText(this.#clock.monotonicMs())}  ${line}`)
    if (this.#lines.length > LINES_MAX) this.#lines.shift()
  }

  setChanged(change: Change<StatefulSet>): void {
    const { metadata, status } = change.object
    const message = status?.conditions?.find(({ type }) => type === 'Progressing')?.message ?? 'no condition'
    this.#conditions.set(metadata.name, message)
    this.#changed(`set ${metadata.name}`, change, setText)
  }

  podChanged(change: Change<Pod>): void {
    this.#changed(`Pod ${change.object.metadata.name}`, change, podText)
  }

  claimChanged(change: Change<PersistentVolumeClaim>): void {
    this.#changed(`claim ${change.object.metadata.name}`, change, claimText)
  }

  /** What happened last, how all objects stand now, and what runs on the machines. */
  text(machines: readonly SimulatedMachine[]): string {
    const objects = [...this.#now].map(([name, state]) => `${name}: ${state}`).sort()
    return [
      ...section('what happened last', this.#lines),
      ...section('how things stood', objects),
      ...section(
        'what the sets said',
        [...this.#conditions].map(([name, message]) => `${name}: ${message}`),
      ),
      ...section('what ran', machines.map(machineText)),
    ].join('\n')
  }

  #changed<T extends KubernetesObject>(name: string, { type, object }: Change<T>, textOf: (object: T) => string): void {
    const state = textOf(object)
    if (type === 'deleted') {
      this.#now.delete(name)
      this.note(`${name} is gone (${shortUid(object)})`)
    } else if (this.#now.get(name) !== state) {
      this.#now.set(name, state)
      this.note(`${name}: ${state}`)
    }
  }
}

const words = (...parts: readonly (string | false | undefined)[]): string => parts.filter(Boolean).join(', ')

/** Enough of it to tell two lives of one name apart. */
const shortUid = ({ metadata }: KubernetesObject): string => metadata.uid?.slice(0, 4) ?? '-'

function setText({ metadata, spec, status }: StatefulSet): string {
  const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0
  const progress = status.conditions?.find(({ type }) => type === 'Progressing')
  return words(
    `wants ${spec.replicas ?? 1}`,
    (spec.ordinals?.start ?? 0) > 0 && `from ordinal ${spec.ordinals?.start}`,
    partition > 0 && `partition ${partition}`,
    `image ${spec.template.spec?.containers[0]?.image}`,
    `status of generation ${status.observedGeneration ?? 0} of ${metadata.generation}`,
    `${status.replicas ?? 0} Pods`,
    `${status.readyReplicas ?? 0} ready`,
    `${status.availableReplicas ?? 0} available`,
    `${status.updatedReplicas ?? 0} at ${status.updateRevision ?? '-'}`,
    status.currentRevision !== status.updateRevision && `current ${status.currentRevision}`,
    metadata.deletionTimestamp && 'terminating',
    progress?.reason,
  )
}

function podText(pod: Pod): string {
  const { spec, status, metadata } = pod
  const waiting = status.containerStatuses?.flatMap(({ state }) => state?.waiting?.reason ?? []) ?? []
  return words(
    `${status.phase} (${shortUid(pod)})`,
    isPodReady(pod) ? 'ready' : 'not ready',
    status.reason,
    ...waiting,
    spec.nodeName ? `on ${spec.nodeName}` : 'on no machine',
    `image ${spec.containers[0]?.image}`,
    metadata.labels?.['controller-revision-hash'],
    isPodTerminating(pod) && 'terminating',
  )
}

const claimText = ({ status, metadata, spec }: PersistentVolumeClaim): string =>
  words(status.phase, spec.volumeName, metadata.deletionTimestamp && 'terminating')

function machineText({ name, machine, isCut }: SimulatedMachine): string {
  const running = machine.runtime.containers.filter(({ isRunning }) => isRunning)
  const pods = running.map(({ parts }) => `${parts.sandbox.pod.name} (${parts.sandbox.pod.uid.slice(0, 4)})`)
  return `${name}${isCut ? ', cut off' : ''}: ${pods.join(', ') || 'nothing'}`
}
