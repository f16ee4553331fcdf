import type { Container, Pod } from '../../api/core-v1/types.ts'
import type { ContainerRecord, Sandbox } from '../doors.ts'

/** What the runtime has of one Pod, newest first. */
export interface PodView {
  readonly sandboxes: readonly Sandbox[]
  readonly containers: readonly ContainerRecord[]
}

export const emptyView: PodView = { sandboxes: [], containers: [] }

export type ContainerRole = 'init' | 'sidecar' | 'main' | 'ephemeral'

/** A container of the spec with what it is for. Ephemeral ones have the same fields as all others. */
export interface RoledContainer {
  readonly role: ContainerRole
  readonly container: Container
}

/** An init container that keeps running beside the others (KEP-753). */
const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always'

/** In the order in which they start. */
export function containersOf({ spec }: Pod): readonly RoledContainer[] {
  const roled = (role: ContainerRole, containers: readonly Container[] = []): RoledContainer[] =>
    containers.map(container => ({ role: role === 'init' && isSidecar(container) ? 'sidecar' : role, container }))
  return [
    ...roled('init', spec.initContainers),
    ...roled('main', spec.containers),
    ...roled('ephemeral', spec.ephemeralContainers),
  ]
}

export const recordsOf = (view: PodView, name: string): readonly ContainerRecord[] =>
  view.containers.filter(record => record.name === name).sort((a, b) => b.attempt - a.attempt)

/** The container of this name that was made last. */
export const latestOf = (view: PodView, name: string): ContainerRecord | undefined => recordsOf(view, name)[0]

export const readySandboxOf = (view: PodView): Sandbox | undefined => view.sandboxes.find(sandbox => sandbox.isReady)

export const isAlive = (record: ContainerRecord): boolean => record.phase === 'running' || record.phase === 'unknown'

/** Whether a container that ended is started again (`restartPolicy`; containers and sidecars may have their own). */
export function isRestarted(pod: Pod, { role, container }: RoledContainer, record: ContainerRecord): boolean {
  if (role === 'ephemeral') return false
  if (role === 'sidecar') return true
  const policy = container.restartPolicy ?? pod.spec.restartPolicy ?? 'Always'
  if (role === 'init') return record.exitCode !== 0 && policy !== 'Never'
  return policy === 'Always' || (policy === 'OnFailure' && record.exitCode !== 0)
}

/** `name_namespace(uid)`: how messages about a Pod name it. */
export const podText = ({ metadata }: Pod): string => `${metadata.name}_${metadata.namespace}(${metadata.uid})`

const CRITICAL_PRIORITY_MIN = 2_000_000_000

/** The machine or the cluster cannot do without it: it is neither evicted nor turned away under pressure. */
export const isCritical = ({ spec }: Pod): boolean => (spec.priority ?? 0) >= CRITICAL_PRIORITY_MIN
