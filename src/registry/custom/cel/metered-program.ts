import type { Environment } from '@marcbachmann/cel-js'
import { weightOf } from './weight.ts'

export interface Variables {
  readonly self: unknown
  readonly oldSelf?: unknown
}

/** An expression that knows how much it has done, and stops when that is too much. */
export interface MeteredProgram {
  /** Throws what evaluation throws, and `CostExceededError` when the budget is spent before the end. */
  run(variables: Variables, budget: Budget): unknown
}

/** Steps that may still be made: about one for each part of an expression evaluated, more for large values. */
export interface Budget {
  left: number
}

export class CostExceededError extends Error {
  override name = 'CostExceededError'
}

/** Replaced by our own, which take time in proportion to the text. */
const RENAMED: ReadonlyMap<string, string> = new Map([['matches', 'matchesLinear']])
/** What these look at is looked at as a whole. */
const READS_ALL: ReadonlySet<string> = new Set(['==', '!=', 'in', '+', 'call', 'rcall'])
/** So many characters or members cost one step, as upstream counts text. */
const WEIGHT_OF_STEP = 10

/** The parts of the library's syntax tree that are needed here. */
interface Node {
  readonly op: string
  readonly args: unknown
  readonly meta: { readonly alternate?: unknown; readonly macro?: unknown }
  evaluate: Evaluate
}
type Evaluate = (this: unknown, ...inputs: unknown[]) => unknown

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'op' in value && typeof (value as Node).evaluate === 'function'

/** Compiles an expression. Throws for what is no CEL. */
export function meteredProgram(environment: Environment, source: string): MeteredProgram {
  const program = environment.parse(source) as { (variables: Variables): unknown; readonly ast: unknown }
  const meter = new Meter()
  meter.attach(program.ast)
  return {
    run(variables, budget) {
      meter.budget = budget
      try {
        return program(variables)
      } finally {
        // Operators like || and loops swallow errors, ours too, or put another one in its place.
        if (budget.left < 0) meter.stop()
      }
    },
  }
}

/** A failure is thrown through every part around it, and is described for a reader. */
const STEPS_OF_FAILURE = 10

/**
 * Stands before every part of an expression. Loops are made of parts, so that what they do is counted too, however deep
 * they are nested; evaluation is synchronous, and nothing else could stop it.
 */
class Meter {
  budget: Budget = { left: 0 }
  readonly #seen = new Set<unknown>()
  /** One for all: loops may meet it very often before they end. */
  readonly #exceeded = new CostExceededError('operation cancelled: actual cost limit exceeded')

  attach(part: unknown, isReadWhole = false): void {
    if (typeof part !== 'object' || part === null || this.#seen.has(part)) return
    this.#seen.add(part)
    if (!isNode(part)) {
      for (const inner of Object.values(part)) this.attach(inner, isReadWhole)
      return
    }
    if (part.op === 'rcall') rename(part)
    this.attach(part.args, READS_ALL.has(part.op))
    this.attach(part.meta.alternate)
    this.attach(part.meta.macro)
    this.#meter(part, isReadWhole)
  }

  stop(): never {
    throw this.#exceeded
  }

  #spend(steps: number): void {
    this.budget.left -= steps
    if (this.budget.left < 0) this.stop()
  }

  /** The library chooses how a node is evaluated when it is evaluated first, and writes that into it. */
  #meter(node: Node, isReadWhole: boolean): void {
    let inner: Evaluate = node.evaluate
    const spend = (steps: number): void => this.#spend(steps)
    const metered: Evaluate = (...inputs) => {
      spend(1)
      try {
        const result = inner.apply(node, inputs)
        if (isReadWhole || typeof result === 'string') spend(weightOf(result) / WEIGHT_OF_STEP)
        return result
      } catch (error) {
        spend(STEPS_OF_FAILURE)
        throw error
      }
    }
    Object.defineProperty(node, 'evaluate', {
      get: () => metered,
      set: (chosen: Evaluate) => {
        inner = chosen
      },
    })
  }
}

function rename({ args }: Node): void {
  const words = args as unknown[]
  const other = RENAMED.get(String(words[0]))
  if (other) words[0] = other
}
