import { seededRandom } from '../../fakes/seeded-random.ts'
import { integerBelow, type Random } from '../../machinery/random.ts'

/** A set as it is first applied. */
export interface SetPlan {
  readonly name: string
  readonly replicas: number
  readonly isParallel: boolean
  readonly hasClaim: boolean
  readonly keepsClaims: boolean
  readonly minReadySeconds: number
  readonly partition: number
  readonly maxUnavailable: number
  readonly start: number
  readonly hasProbe: boolean
}

export type Deed =
  | { readonly kind: 'scale'; readonly set: string; readonly replicas: number }
  | { readonly kind: 'update'; readonly set: string; readonly image: string }
  | { readonly kind: 'setPartition'; readonly set: string; readonly partition: number }
  | { readonly kind: 'setStart'; readonly set: string; readonly start: number }
  | { readonly kind: 'deletePod' | 'forceDeletePod' | 'relabelPod'; readonly set: string; readonly place: number }
  | { readonly kind: 'recreateSet'; readonly set: string }
  | { readonly kind: 'loseLeader' | 'loseServer' }
  | {
      readonly kind: 'crashMachine' | 'cutMachine' | 'stopKubelet' | 'fillDisk'
      readonly node: string
      readonly forMs: number
    }
  | { readonly kind: 'loseReplies' | 'delayWatches' | 'failStore'; readonly forMs: number }
  | WildDeed

/** What only wild scenarios have: faults at any await, and users who limit and hold. */
export type WildDeed =
  | { readonly kind: 'killLeader' | 'killServer'; readonly calls: number; readonly turns: number }
  | { readonly kind: 'lateReplies' | 'staleCaches'; readonly forMs: number }
  | { readonly kind: 'slowMachine'; readonly node: string; readonly forMs: number }
  | { readonly kind: 'shiftClock'; readonly node: string; readonly byMs: number }
  | { readonly kind: 'holdPod'; readonly set: string; readonly place: number; readonly forMs: number }
  /** A new image for some Pods first. */
  | { readonly kind: 'stageRollout'; readonly set: string; readonly partition: number; readonly image: string }
  /** As many Pods as there are may be, and not one more; then the set moves to other ordinals. */
  | { readonly kind: 'limitPods'; readonly set: string; readonly start: number }

/** One thing that a user or fate does, at a moment after the start. */
export type Action = Deed & { readonly atMs: number }

/** Everything that a run depends on: the same scenario always has the same history. */
export interface Scenario {
  readonly seed: number
  readonly nodes: number
  /** By how much each machine's wall clock is ahead. */
  readonly clockOffsetsMs: readonly number[]
  readonly sets: readonly SetPlan[]
  readonly actions: readonly Action[]
  /** Faults strike in the middle of calls too. */
  readonly isWild?: boolean
}

const NODES_MAX = 4
const SETS_MAX = 2
const REPLICAS_MAX = 5
const ACTIONS_MAX = 12
/** In which all of it happens. */
const LENGTH_MS = 180_000
const CLOCK_OFFSET_MS_MAX = 1500
const FAULT_MS_MIN = 2000
const FAULT_MS_MAX = 90_000

export const IMAGES = { good: ['app:1', 'app:2', 'app:3'], broken: 'app:broken' } as const

/** Invents a scenario from a seed. */
export function scenarioFrom(seed: number): Scenario {
  const dice = new Dice(seededRandom(seed))
  const nodes = 1 + dice.below(NODES_MAX)
  const sets = Array.from({ length: 1 + dice.below(SETS_MAX) }, (_, index) => setPlan(dice, `set${index + 1}`))
  const actions = Array.from({ length: dice.below(ACTIONS_MAX + 1) }, () => actionFrom(dice, sets, nodes))
  return {
    seed,
    nodes,
    clockOffsetsMs: Array.from({ length: nodes }, () => dice.below(2 * CLOCK_OFFSET_MS_MAX) - CLOCK_OFFSET_MS_MAX),
    sets,
    actions: actions.sort((a, b) => a.atMs - b.atMs),
  }
}

const WILD_SALT = 0x85ebca6b
const WILD_ACTIONS_MAX = 5
/** Within so many calls after a kill is planned, and then so many turns of the microtask queue. */
const CALLS_MAX = 200
const TURNS_MAX = 120
const SHIFT_MS_MAX = 1500

/** The scenario of the seed, and more: faults that strike at any await, late replies, stale caches, quotas, finalizers. */
export function wildScenarioFrom(seed: number): Scenario {
  const scenario = scenarioFrom(seed)
  const dice = new Dice(seededRandom(seed ^ WILD_SALT))
  const more = Array.from({ length: 1 + dice.below(WILD_ACTIONS_MAX) }, (): Action => {
    const atMs = dice.below(LENGTH_MS)
    return { atMs, ...wildDeed(dice, scenario) }
  })
  return { ...scenario, isWild: true, actions: [...scenario.actions, ...more].sort((a, b) => a.atMs - b.atMs) }
}

function wildDeed(dice: Dice, { sets, nodes }: Scenario): Deed {
  const node = `node-${1 + dice.below(nodes)}`
  const set = dice.oneOf(sets).name
  const forMs = FAULT_MS_MIN + dice.below(FAULT_MS_MAX - FAULT_MS_MIN)
  const strike = { calls: 1 + dice.below(CALLS_MAX), turns: dice.below(TURNS_MAX) }
  return dice.oneOf<Deed>([
    { kind: 'killLeader', ...strike },
    { kind: 'killLeader', ...strike },
    { kind: 'killServer', ...strike },
    { kind: 'killServer', ...strike },
    { kind: 'lateReplies', forMs },
    { kind: 'staleCaches', forMs },
    { kind: 'slowMachine', node, forMs },
    { kind: 'shiftClock', node, byMs: dice.below(2 * SHIFT_MS_MAX) - SHIFT_MS_MAX },
    { kind: 'holdPod', set, place: dice.below(REPLICAS_MAX), forMs },
    { kind: 'update', set, image: IMAGES.broken },
    { kind: 'stageRollout', set, partition: 1 + dice.below(REPLICAS_MAX - 1), image: dice.oneOf(IMAGES.good) },
    { kind: 'fillDisk', node, forMs },
    { kind: 'limitPods', set, start: 1 + dice.below(REPLICAS_MAX) },
  ])
}

const setPlan = (dice: Dice, name: string): SetPlan => ({
  name,
  replicas: 1 + dice.below(REPLICAS_MAX),
  isParallel: dice.isLikely(0.35),
  hasClaim: dice.isLikely(0.4),
  keepsClaims: dice.isLikely(0.7),
  minReadySeconds: dice.isLikely(0.3) ? 5 : 0,
  partition: dice.isLikely(0.3) ? dice.below(REPLICAS_MAX) : 0,
  maxUnavailable: 1 + dice.below(3),
  start: dice.isLikely(0.2) ? 1 + dice.below(3) : 0,
  hasProbe: dice.isLikely(0.5),
})

function actionFrom(dice: Dice, sets: readonly SetPlan[], nodes: number): Action {
  const atMs = dice.below(LENGTH_MS)
  const deed = dice.isLikely(0.55) ? userDeed(dice, dice.oneOf(sets).name) : fault(dice, nodes)
  return { atMs, ...deed }
}

function userDeed(dice: Dice, set: string): Deed {
  const replicas = dice.below(REPLICAS_MAX + 1)
  const place = dice.below(REPLICAS_MAX)
  return dice.oneOf<Deed>([
    { kind: 'scale', set, replicas },
    { kind: 'scale', set, replicas },
    { kind: 'update', set, image: dice.oneOf(IMAGES.good) },
    { kind: 'update', set, image: dice.oneOf(IMAGES.good) },
    { kind: 'update', set, image: IMAGES.broken },
    { kind: 'setPartition', set, partition: place },
    { kind: 'setStart', set, start: dice.below(3) },
    { kind: 'deletePod', set, place },
    { kind: 'forceDeletePod', set, place },
    { kind: 'relabelPod', set, place },
    { kind: 'recreateSet', set },
  ])
}

function fault(dice: Dice, nodes: number): Deed {
  const node = `node-${1 + dice.below(nodes)}`
  const forMs = FAULT_MS_MIN + dice.below(FAULT_MS_MAX - FAULT_MS_MIN)
  return dice.oneOf<Deed>([
    { kind: 'loseLeader' },
    { kind: 'loseServer' },
    { kind: 'crashMachine', node, forMs },
    { kind: 'cutMachine', node, forMs },
    { kind: 'stopKubelet', node, forMs },
    { kind: 'fillDisk', node, forMs },
    { kind: 'loseReplies', forMs },
    { kind: 'delayWatches', forMs },
    { kind: 'failStore', forMs },
  ])
}

class Dice {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  below(bound: number): number {
    return integerBelow(this.#random, bound)
  }

  isLikely(probability: number): boolean {
    return this.#random.float() < probability
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }
}
