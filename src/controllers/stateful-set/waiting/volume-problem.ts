import type { Pod } from '../../../api/core-v1/types.ts'
import { claimNamesIn } from './claim-problem.ts'
import { type Evidence, lastLineOf, type Problem } from './evidence.ts'
import { silenceOf } from './node-problem.ts'

/** A volume that cannot be attached or mounted, while the containers wait for it (N8; stumbling block 9). */
export function volumeProblemOf(pod: Pod, evidence: Evidence): Problem | undefined {
  const isWaiting = (pod.status.containerStatuses ?? []).every(({ state }) => !state?.running)
  if (pod.status.phase !== 'Pending' || !isWaiting) return undefined
  const warned = evidence
    .warningsAbout(pod.metadata.uid)
    .findLast(({ reason }) => reason === 'FailedAttachVolume' || reason === 'FailedMount')
  if (!warned) return undefined
  const since = warned.firstTimestamp
  const holder = warned.reason === 'FailedAttachVolume' ? holderOf(pod, evidence) : undefined
  return {
    reason: warned.reason === 'FailedMount' ? 'VolumeNotMounted' : 'VolumeNotAttached',
    text: holder?.text ?? lastLineOf(warned.message),
    ...(since && { since }),
    isStall: true,
    ...(holder && { remedy: holder.remedy }),
  }
}

function holderOf(pod: Pod, evidence: Evidence): { text: string; remedy: string } | undefined {
  for (const claimName of claimNamesIn(pod)) {
    const volumeName = evidence.claimNamed(claimName)?.spec.volumeName
    const others = volumeName ? evidence.attachmentsOf(volumeName) : []
    const nodeName = others.find(({ spec }) => spec.nodeName !== pod.spec.nodeName)?.spec.nodeName
    if (!nodeName) continue
    const silence = silenceOf(nodeName, evidence)
    return {
      text: `cannot get volume ${volumeName} of claim ${claimName}: node ${nodeName} still holds it${silence ? `, and ${silence.text}` : ''}`,
      remedy: silence
        ? `Ends when ${nodeName} answers, about six minutes after the last Pod there was removed, or at once with the taint node.kubernetes.io/out-of-service=nodeshutdown:NoExecute on ${nodeName}`
        : `Ends when ${nodeName} has let go of the volume`,
    }
  }
  return undefined
}
