import { isBeingDeleted, type Plan } from './plan.ts'
import { planOrdered } from './plan-ordered.ts'
import { planParallel } from './plan-parallel.ts'
import { planRecreate } from './plan-recreate.ts'
import { planUpdate } from './plan-update.ts'
import { isParallel, strategyOf, type World } from './world.ts'

/** Decides one pass over a set. Pure, so that every rule is tested without a cluster. */
export function planPass(world: World): Plan {
  if (isBeingDeleted(world.set)) return { stages: [], wait: { rule: 'SetDeleting' } } // Only status goes on (O5).
  const recreation = strategyOf(world) === 'Recreate' ? planRecreate(world) : undefined
  if (recreation) return recreation
  return isParallel(world.set) ? planParallel(world, planUpdate) : planOrdered(world, planUpdate)
}
