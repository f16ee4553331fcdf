import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../../api/core-v1/types.ts'
import { isTerminating } from '../../../machinery/object.ts'
import type { Evidence } from './evidence.ts'
import { silenceOf } from './node-problem.ts'

/** A claim of the Pod that is not ready to be used, in words. */
export interface ClaimProblem {
  readonly reason: 'ClaimTerminating' | 'ClaimNotBound' | 'ClaimMissing'
  readonly text: string
  readonly since?: string
}

export const claimNamesIn = ({ spec }: Pod): readonly string[] =>
  (spec.volumes ?? []).flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [])

/** The first claim of the Pod that holds it up (stumbling block 1; kubernetes/kubernetes#74374). */
export function claimProblemOf(pod: Pod, evidence: Evidence): ClaimProblem | undefined {
  for (const name of claimNamesIn(pod)) {
    const claim = evidence.claimNamed(name)
    if (!claim) return { reason: 'ClaimMissing', text: `claim ${name} does not exist` }
    if (isTerminating(claim)) return terminatingClaim(claim)
    if (claim.status?.phase !== 'Bound') return unboundClaim(claim, evidence)
  }
  return undefined
}

export function terminatingClaim({ metadata }: PersistentVolumeClaim): ClaimProblem {
  const since = metadata.deletionTimestamp
  const held = metadata.finalizers?.length ? ` (held by ${metadata.finalizers.join(', ')})` : ''
  return {
    reason: 'ClaimTerminating',
    text: `claim ${metadata.name} is being deleted${held}`,
    ...(since && { since }),
  }
}

function unboundClaim(claim: PersistentVolumeClaim, evidence: Evidence): ClaimProblem {
  const { name, creationTimestamp, uid } = claim.metadata
  const warned = evidence.warningsAbout(uid).at(-1)?.message
  const why = warned ?? missingFor(claim, evidence)
  return {
    reason: 'ClaimNotBound',
    text: `claim ${name} (${classText(claim)}) is not bound${why ? `: ${why}` : ''}`,
    since: creationTimestamp,
  }
}

function classText({ spec }: PersistentVolumeClaim): string {
  if (spec.storageClassName === undefined) return 'no class named'
  return spec.storageClassName === '' ? 'class ""' : `class ${spec.storageClassName}`
}

/** What there would have to be for the claim to be bound. */
function missingFor(claim: PersistentVolumeClaim, evidence: Evidence): string | undefined {
  const className = claim.spec.storageClassName
  const { requests } = claim.spec.resources ?? {}
  const shape = `${(claim.spec.accessModes ?? []).join(', ')} of at least ${requests?.storage ?? '0'}`
  if (className === undefined) return 'it names no class and the cluster has no default StorageClass'
  if (className === '') return `there is no free PersistentVolume without class, ${shape}`
  const storageClass = evidence.storageClasses().find(({ metadata }) => metadata.name === className)
  if (!storageClass) return `there is no StorageClass ${className} and no free PersistentVolume of it, ${shape}`
  if (storageClass.provisioner === 'kubernetes.io/no-provisioner') {
    return `class ${className} makes no volumes by itself and has no free PersistentVolume, ${shape}`
  }
  return storageClass.volumeBindingMode === 'WaitForFirstConsumer'
    ? undefined // It waits for the Pod's machine; what the scheduler says is the reason.
    : `provisioner ${storageClass.provisioner} has not made its volume yet`
}

/** Where the volumes of the Pod's claims can be used, for a Pod that no machine suits because of them (N6). */
export function volumePlacesOf(pod: Pod, evidence: Evidence): string | undefined {
  const places = claimNamesIn(pod).flatMap(claimName => {
    const volumeName = evidence.claimNamed(claimName)?.spec.volumeName
    const volume = volumeName ? evidence.volumeNamed(volumeName) : undefined
    const place = volume && placeText(volume, evidence)
    return place ? [`claim ${claimName} has its volume ${volumeName} only on ${place}`] : []
  })
  if (places.length === 0) return undefined
  const allowed = Object.entries(pod.spec.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`)
  return `${places.join('; ')}${allowed.length > 0 ? `; the Pod may only go to ${allowed.join(',')}` : ''}`
}

function placeText({ spec }: PersistentVolume, evidence: Evidence): string | undefined {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms ?? []
  const texts = terms.flatMap(({ matchExpressions = [] }) =>
    matchExpressions.map(({ key, values = [] }) => {
      const states = values.map(value => stateOfNode(key, value, evidence))
      return `${key} ${states.join(' or ')}`
    }),
  )
  return texts.length > 0 ? texts.join(', ') : undefined
}

function stateOfNode(key: string, value: string, evidence: Evidence): string {
  if (key !== 'kubernetes.io/hostname') return value
  const node = evidence.nodeNamed(value)
  if (!node) return `${value} (no such node)`
  if (silenceOf(value, evidence)) return `${value} (not answering)`
  return node.spec?.unschedulable ? `${value} (cordoned)` : value
}
