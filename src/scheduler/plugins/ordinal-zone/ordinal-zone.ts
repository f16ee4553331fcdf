import { controllerOf } from '../../../machinery/object.ts'
import { type ClusterState, ZONE_LABEL } from '../../cluster-state.ts'
import type { Plugin } from '../../plugin.ts'
import type { PodInfo } from '../../pod-info.ts'

/**
 * Gives each ordinal of a StatefulSet a zone of its own choice, in turn, so that a set spread over zones finds every
 * ordinal in the same zone again although no volume holds it there. Only a preference: of machines that are otherwise
 * alike it takes those in the ordinal's zone. Ours, not upstream's.
 */
export function ordinalZone(state: ClusterState): Plugin {
  return {
    name: 'OrdinalZone',
    scorerFor(pod) {
      const { zones } = state
      const ordinal = ordinalOf(pod)
      if (ordinal === undefined || zones.length < 2) return undefined
      const zone = zones[(ordinal + offsetOf(pod)) % zones.length]
      return { scoreOf: ({ labels }) => (labels[ZONE_LABEL] === zone ? 100 : 0) }
    },
  }
}

function ordinalOf({ pod }: PodInfo): number | undefined {
  const owner = controllerOf(pod)
  if (owner?.kind !== 'StatefulSet') return undefined
  const ordinal = pod.metadata.name.slice(owner.name.length + 1)
  return /^\d+$/.test(ordinal) ? Number(ordinal) : undefined
}

/** Lets the first ordinals of different sets begin in different zones (FNV-1a of the set's name). */
function offsetOf({ pod, namespace }: PodInfo): number {
  let hash = 0x811c9dc5
  for (const character of `${namespace}/${controllerOf(pod)!.name}`) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193) >>> 0
  }
  return hash
}
