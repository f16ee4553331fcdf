import { integerBelow, type Random } from '../machinery/random.ts'
import type { ClusterState } from './cluster-state.ts'
import type { NodeInfo } from './node-info.ts'
import type { Plugin, Refusal, Scorer } from './plugin.ts'
import type { PodInfo } from './pod-info.ts'

/** In clusters up to this size every machine is looked at. */
const SAMPLE_NODES_MIN = 100
const SAMPLE_PERCENT_MIN = 5
/** Machines named for each reason against them. */
const EXAMPLES_MAX = 3

export type Decision =
  | { readonly kind: 'placed'; readonly node: NodeInfo }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

interface NamedFilter {
  readonly plugin: string
  readonly refusalOf: (node: NodeInfo) => string | readonly string[] | undefined
}

/** Decides where one Pod goes. Everything happens at one moment: nothing changes while it looks. */
export class SchedulingCycle {
  readonly #state: ClusterState
  readonly #plugins: readonly Plugin[]
  readonly #random: Random
  /** Where the next search begins, so that every machine has its turn. */
  #start = 0

  constructor(options: { readonly state: ClusterState; readonly plugins: readonly Plugin[]; readonly random: Random }) {
    this.#state = options.state
    this.#plugins = options.plugins
    this.#random = options.random
  }

  decide(pod: PodInfo): Decision {
    const filters: NamedFilter[] = []
    const among: ((node: NodeInfo) => boolean)[] = []
    for (const plugin of this.#plugins) {
      const filter = plugin.filterFor?.(pod)
      if (filter?.kind === 'nowhere') return this.#refusedEverywhere(plugin.name, filter.reason)
      if (!filter) continue
      filters.push({ plugin: plugin.name, refusalOf: filter.refusalOf })
      if (filter.among) among.push(filter.among)
    }
    let search = new Search(this.#state.nodes.length, filters)
    if (among.length > 0) this.#searchSample(search, among)
    if (search.feasible.length === 0) {
      search = new Search(this.#state.nodes.length, filters) // All machines, to tell of each why not.
      this.#searchSample(search, [])
    }
    if (search.feasible.length === 0) return { kind: 'refused', refusal: search.refusal() }
    return { kind: 'placed', node: this.#bestOf(pod, search.feasible) }
  }

  #refusedEverywhere(plugin: string, reason: string): Decision {
    const nodeCount = this.#state.nodes.length
    return {
      kind: 'refused',
      refusal: { nodeCount, reason, counts: new Map(), examples: new Map(), plugins: new Set([plugin]) },
    }
  }

  /** Looks at one machine after the other, from where the last search ended, until enough of them fit. */
  #searchSample(search: Search, among: readonly ((node: NodeInfo) => boolean)[]): void {
    const { nodes } = this.#state
    const wanted = sampleSizeOf(nodes.length)
    let looked = 0
    while (looked < nodes.length && search.feasible.length < wanted) {
      const node = nodes[(this.#start + looked++) % nodes.length]!
      if (among.every(includes => includes(node))) search.look(node)
    }
    this.#start = nodes.length === 0 ? 0 : (this.#start + looked) % nodes.length
  }

  #bestOf(pod: PodInfo, nodes: readonly NodeInfo[]): NodeInfo {
    if (nodes.length === 1) return nodes[0]!
    const totals = new Float64Array(nodes.length)
    for (const plugin of this.#plugins) {
      const scorer = plugin.scorerFor?.(pod, nodes)
      if (scorer) addScores(totals, nodes, { scorer, weight: plugin.weight ?? 1 })
    }
    return nodes[this.#indexOfBest(totals)]!
  }

  /** One of the best, each with the same chance. */
  #indexOfBest(totals: Float64Array): number {
    let best = 0
    let ties = 1
    for (let i = 1; i < totals.length; i++) {
      if (totals[i]! > totals[best]!) {
        best = i
        ties = 1
      } else if (totals[i] === totals[best] && integerBelow(this.#random, ++ties) === 0) best = i
    }
    return best
  }
}

/** How many fitting machines are enough to choose from: fewer per cent the larger the cluster, as upstream has it. */
export function sampleSizeOf(nodeCount: number): number {
  if (nodeCount <= SAMPLE_NODES_MIN) return nodeCount
  const percent = Math.max(SAMPLE_PERCENT_MIN, Math.floor(50 - nodeCount / 125))
  return Math.max(SAMPLE_NODES_MIN, Math.floor((nodeCount * percent) / 100))
}

class Search {
  readonly feasible: NodeInfo[] = []
  readonly #nodeCount: number
  readonly #filters: readonly NamedFilter[]
  readonly #counts = new Map<string, number>()
  readonly #examples = new Map<string, string[]>()
  readonly #refusing = new Set<string>()

  constructor(nodeCount: number, filters: readonly NamedFilter[]) {
    this.#nodeCount = nodeCount
    this.#filters = filters
  }

  look(node: NodeInfo): void {
    for (const { plugin, refusalOf } of this.#filters) {
      const reasons = refusalOf(node)
      if (reasons === undefined) continue
      this.#refusing.add(plugin)
      if (typeof reasons === 'string') this.#count(reasons, node)
      else for (const reason of reasons) this.#count(reason, node)
      return
    }
    this.feasible.push(node)
  }

  #count(reason: string, { name }: NodeInfo): void {
    const count = (this.#counts.get(reason) ?? 0) + 1
    this.#counts.set(reason, count)
    if (count === 1) this.#examples.set(reason, [name])
    else if (count <= EXAMPLES_MAX) this.#examples.get(reason)!.push(name)
  }

  /** Without machines nothing has refused; any plugin may then be helped by a new one. */
  refusal(): Refusal {
    const plugins = this.#nodeCount === 0 ? new Set([ANY_PLUGIN]) : this.#refusing
    return { nodeCount: this.#nodeCount, counts: this.#counts, examples: this.#examples, plugins }
  }
}

/** Stands for "a machine is missing", which every new machine helps. */
export const ANY_PLUGIN = 'AnyNode'

function addScores(
  totals: Float64Array,
  nodes: readonly NodeInfo[],
  { scorer, weight }: { readonly scorer: Scorer; readonly weight: number },
): void {
  const scores = new Float64Array(nodes.length)
  for (let i = 0; i < nodes.length; i++) scores[i] = scorer.scoreOf(nodes[i]!)
  scorer.normalize?.(scores)
  for (let i = 0; i < nodes.length; i++) totals[i]! += weight * scores[i]!
}

/** Says why, in upstream's words: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` */
export function refusalText({ nodeCount, reason, counts }: Refusal): string {
  if (nodeCount === 0 && !reason) return 'no nodes available to schedule pods'
  const reasons =
    reason ??
    [...counts]
      .map(([text, count]) => `${count} ${text}`)
      .sort()
      .join(', ')
  return reasons ? `0/${nodeCount} nodes are available: ${reasons}.` : `0/${nodeCount} nodes are available`
}
