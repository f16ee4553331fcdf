import { isPodTerminating } from '../../machinery/pod-state.ts'
import type { Plan, Step } from './plan.ts'
import { findingFor, repairSteps, retentionSteps } from './plan-slot.ts'
import type { Wait } from './wait.ts'
import { isUnavailable, type Slot, type World } from './world.ts'

/** Most that is started at once; before that each batch is twice the one before, so that a refusal costs little (O6). */
const BATCH_MAX = 500

/**
 * `Parallel`: nobody waits for anybody. Condemned Pods go first, so that a set at its quota can still shrink or shift
 * (O16, 1.38; kubernetes/kubernetes#140858); then every slot gets what it lacks, in growing batches; then the rollout.
 */
export function planParallel(world: World, planUpdate: (world: World) => Plan): Plan {
  const references = world.condemned.flatMap(pod => retentionSteps(world, pod))
  const deletions = world.condemned
    .filter(pod => !isPodTerminating(pod))
    .map((pod): Step => ({ kind: 'deletePod', pod, reason: 'ScaledDown' }))
  const findings = world.slots.map(slot => findingWithRepair(world, slot))
  const update = planUpdate(world)
  const outdated = new Set(update.stages.flat().flatMap(step => (step.kind === 'deletePod' ? [step.pod] : [])))
  const slotSteps = findings
    .map(({ steps }) => steps.filter(step => step.kind !== 'deletePod' || !outdated.has(step.pod)))
    .filter(steps => steps.length > 0)
  const stages = [references, deletions, ...batchesOf(slotSteps), ...update.stages]
  const wait = lastingWaitOf(findings) ?? (isAtRest(update) ? (settlingWait(world) ?? update.wait) : update.wait)
  return { stages: stages.filter(stage => stage.length > 0), ...(wait && { wait }) }
}

/** The rollout waits for a person at most: a Pod that is not available is then what there is to tell. */
const isAtRest = ({ wait }: Plan): boolean => !wait || wait.rule === 'Partition' || wait.rule === 'OnDelete'

function findingWithRepair(world: World, slot: Slot): { readonly steps: readonly Step[]; readonly wait?: Wait } {
  const finding = findingFor(world, slot)
  if (finding.wait || !slot.pod) return finding
  return { steps: [...finding.steps, ...repairSteps(world, slot.pod).filter(step => !isAlready(finding.steps, step))] }
}

/** A Pending Pod is owed its claims' owners twice over; once is enough. */
const isAlready = (steps: readonly Step[], { kind }: Step): boolean => steps.some(step => step.kind === kind)

/** 1, 2, 4, 8 … slots at once; the steps of one slot stay together. */
function batchesOf(slotSteps: readonly (readonly Step[])[]): readonly (readonly Step[])[] {
  const batches: (readonly Step[])[] = []
  for (let start = 0, size = 1; start < slotSteps.length; start += size, size = Math.min(BATCH_MAX, size * 2)) {
    batches.push(slotSteps.slice(start, start + size).flat())
  }
  return batches
}

/** A wait of a slot that no step of this pass ends: for the claim of a former Pod, or for the time to replace one. */
const lastingWaitOf = (
  findings: readonly { readonly steps: readonly Step[]; readonly wait?: Wait }[],
): Wait | undefined =>
  findings.find(
    ({ steps, wait }) => wait?.rule === 'ClaimOfFormerPod' || (wait?.rule === 'PodEnded' && steps.length === 0),
  )?.wait

function settlingWait(world: World): Wait | undefined {
  const { slots, condemned } = world
  const unavailable = slots.flatMap(({ pod }) => (pod && isUnavailable(world, pod) ? [pod] : []))
  const missing = slots.filter(({ pod }) => !pod).length
  if (unavailable.length > 0 || missing > 0) return { rule: 'Settling', unavailable, missing }
  return condemned[0] && { rule: 'ScalingDown', pod: condemned[0] }
}
