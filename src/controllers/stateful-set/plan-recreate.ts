import { isPodTerminating } from '../../machinery/pod-state.ts'
import type { Plan, Step } from './plan.ts'
import { isOutdated, type World } from './world.ts'

/**
 * `Recreate`: everything outdated goes at once, whatever its health and also beyond the range (RC1); until it is gone
 * nothing is created (RC2). Undefined when nothing outdated is left, so that the slot rules go on.
 */
export function planRecreate(world: World): Plan | undefined {
  const members = [...world.slots.flatMap(({ pod }) => (pod ? [pod] : [])), ...world.condemned]
  const outdated = members.filter(pod => isOutdated(world, pod))
  if (outdated.length === 0) return undefined
  const steps = outdated
    .filter(pod => !isPodTerminating(pod))
    .map((pod): Step => ({ kind: 'deletePod', pod, reason: 'OutdatedRevision' }))
  return { stages: steps.length > 0 ? [steps] : [], wait: { rule: 'Recreating', outdated } }
}
