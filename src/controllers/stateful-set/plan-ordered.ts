import type { Pod } from '../../api/core-v1/types.ts'
import { isPodTerminating } from '../../machinery/pod-state.ts'
import type { Plan, Step } from './plan.ts'
import { findingFor, healthWait, repairSteps, retentionSteps } from './plan-slot.ts'
import type { Wait } from './wait.ts'
import { isUnavailable, type World } from './world.ts'

/**
 * `OrderedReady`: slots from the lowest up, each over available ones below it, then condemned Pods from the highest
 * down, then the rollout. The first that has to wait ends the pass, so at most one Pod is created or deleted (O6–O15).
 */
export function planOrdered(world: World, planUpdate: (world: World) => Plan): Plan {
  const stages: (readonly Step[])[] = []
  for (const slot of world.slots) {
    const { steps, wait } = findingFor(world, slot)
    stages.push(...steps.map(step => [step]))
    if (wait) return planned(stages, wait)
    const unhealthy = healthWait(world, slot.pod!) // A missing Pod is a wait already.
    if (unhealthy) return planned(stages, unhealthy)
    stages.push(...repairSteps(world, slot.pod!).map(step => [step]))
  }
  stages.push(world.condemned.flatMap(pod => retentionSteps(world, pod)))
  const scaleDown = nextScaleDown(world)
  if (scaleDown) return planned([...stages, scaleDown.steps], scaleDown.wait)
  const update = planUpdate(world)
  return { ...update, stages: withoutEmpty([...stages, ...update.stages]) }
}

/** The condemned Pod that goes next, from the top (O14). Undefined when none is left. */
function nextScaleDown(world: World): { readonly steps: readonly Step[]; readonly wait: Wait } | undefined {
  const [pod] = world.condemned
  if (!pod) return undefined
  if (isPodTerminating(pod)) return { steps: [], wait: { rule: 'ScalingDown', pod } }
  const heldBy = firstUnavailable(world)
  if (isUnavailable(world, pod) && pod !== heldBy) return { steps: [], wait: { rule: 'ScaleDownHeld', pod, heldBy } }
  return { steps: [{ kind: 'deletePod', pod, reason: 'ScaledDown' }], wait: { rule: 'ScalingDown', pod } }
}

/** The lowest unhealthy Pod; it may go although it is unhealthy (O4). All slots are healthy by then. */
const firstUnavailable = (world: World): Pod | undefined => world.condemned.findLast(pod => isUnavailable(world, pod))

const planned = (stages: readonly (readonly Step[])[], wait: Wait): Plan => ({ stages: withoutEmpty(stages), wait })

const withoutEmpty = (stages: readonly (readonly Step[])[]) => stages.filter(stage => stage.length > 0)
