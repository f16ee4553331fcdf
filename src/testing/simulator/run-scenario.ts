import { StatefulSet } from '../../api/apps-v1/types.ts'
import { PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import type { Kind, KubernetesObject } from '../../api/kind.ts'
import { imagesNamed } from '../../fakes/machine/fake-image.ts'
import { seededRandom } from '../../fakes/seeded-random.ts'
import type { Clock } from '../../machinery/clock.ts'
import { faultyStore } from '../../store/memory/faulty-store.ts'
import type { Store } from '../../store/store.ts'
import type { Cluster } from '../cluster.ts'
import type { Between } from '../control-components.ts'
import { startClusterWith } from '../start-cluster.ts'
import { Chronicle } from './chronicle.ts'
import { converge, repair } from './convergence.ts'
import { deedText, eventsText, momentText } from './describe.ts'
import { Faults } from './faults.ts'
import { MachineCheck } from './machine-check.ts'
import { Observer } from './observer.ts'
import { manifestOf, perform } from './perform.ts'
import { RevisionRules } from './revision-rules.ts'
import { Rules } from './rules.ts'
import { IMAGES, type Scenario } from './scenario.ts'
import { StatusRules } from './status-rules.ts'
import { type Change, followStore } from './store-truth.ts'
import { Strikes } from './strikes.ts'

export interface RunOptions {
  /** A bug on purpose, between a component and the server: for tests of the simulator itself. */
  readonly bug?: Between
}

export interface Outcome {
  /** The first broken promise, with the virtual time at which it was seen; absent: none. */
  readonly violation?: string
  /** With a violation: what had happened and how things stood at that moment, and the last events. */
  readonly evidence?: string
  /** Equal for equal histories. */
  readonly digest: string
  readonly virtualMs: number
}

const LENGTH_MS = 180_000
const FAULT_SALT = 0x9e3779b9
const STRIKE_SALT = 0xc2b2ae35
const images = imagesNamed(
  { [IMAGES.broken]: { startError: 'exec: "app": executable file not found' } },
  reference => ({ readyMs: reference.endsWith('2') ? 3000 : 500, stopMs: 2000 }),
)

/** Plays a scenario to its end, or to the first broken promise. */
export async function runScenario(scenario: Scenario, { bug }: RunOptions = {}): Promise<Outcome> {
  const run = await Run.start(scenario, bug)
  try {
    return await run.play()
  } finally {
    await run.close()
  }
}

class Run {
  readonly #scenario: Scenario
  readonly #cluster: Cluster
  readonly #faults: Faults
  #violation: string | undefined
  /** As of the violation. */
  #evidence = ''
  readonly #chronicle: Chronicle
  readonly #machines: MachineCheck
  readonly #rules: Rules
  readonly #revisions: RevisionRules
  readonly #statuses: StatusRules
  readonly #ended = new AbortController()
  readonly #pending = new Set<() => void | Promise<void>>()

  static async start(scenario: Scenario, bug: Between = (_, transport) => transport): Promise<Run> {
    let clock: Clock | undefined
    let truth: Store | undefined
    const strikes = scenario.isWild ? new Strikes(seededRandom(scenario.seed ^ STRIKE_SALT), () => clock!) : undefined
    const faults = new Faults(seededRandom(scenario.seed ^ FAULT_SALT), () => clock!, strikes)
    const nodes = scenario.clockOffsetsMs.map((clockOffsetMs, index) => ({ name: `node-${index + 1}`, clockOffsetMs }))
    const cluster = await startClusterWith(
      { nodes, seed: scenario.seed, images },
      {
        between: (component, transport) => bug(component, faults.between(component, transport)),
        store: (store, storeClock) => {
          clock = storeClock
          truth = store
          return faultyStore(store, { decide: faults.decideCommit, clock: storeClock })
        },
      },
    )
    return new Run(scenario, { cluster, faults, bug, store: truth! })
  }

  private constructor(
    scenario: Scenario,
    { cluster, faults, bug, store }: { cluster: Cluster; faults: Faults; bug: Between; store: Store },
  ) {
    this.#scenario = scenario
    this.#cluster = cluster
    this.#faults = faults
    this.#chronicle = new Chronicle(cluster.clock)
    const violated = (text: string): void => this.#violated(text)
    this.#machines = new MachineCheck(violated)
    this.#rules = new Rules(cluster.clock, violated)
    this.#statuses = new StatusRules(cluster.clock, violated)
    this.#revisions = new RevisionRules(() => cluster.clock.monotonicMs(), violated)
    for (const kind of [StatefulSet, Pod, PersistentVolumeClaim]) this.#observe(kind, bug)
    this.#follow<StatefulSet>('/apps/statefulsets/', store, change => {
      this.#chronicle.setChanged(change)
      this.#rules.setChanged(change)
      this.#revisions.setChanged(change)
      this.#statuses.setChanged(change)
    })
    this.#follow<Pod>('/core/pods/', store, change => {
      this.#chronicle.podChanged(change)
      this.#rules.podChanged(change)
      this.#revisions.podChanged(change)
      this.#statuses.podChanged(change)
    })
    this.#follow<PersistentVolumeClaim>('/core/persistentvolumeclaims/', store, change => {
      this.#chronicle.claimChanged(change)
      this.#rules.claimChanged(change)
    })
  }

  /** Holds the server to its word as any client may. */
  #observe(kind: Kind, bug: Between): void {
    const { clock } = this.#cluster
    const transport = bug('observer', this.#cluster.transport('observer'))
    const onViolation = (text: string): void => this.#violated(text)
    const observer = new Observer({ kind, transport, pause: () => clock.sleep(100), onViolation })
    this.#ended.signal.addEventListener('abort', () => observer.stop(), { once: true })
    void observer.run()
  }

  #follow<T extends KubernetesObject>(prefix: string, store: Store, onChange: (change: Change<T>) => void): void {
    const { signal } = this.#ended
    followStore<T>(store, { prefix, onChange, signal }).catch(error => {
      if (!signal.aborted) this.#violated(`the truth could not be followed: ${String(error)}`)
    })
  }

  async play(): Promise<Outcome> {
    const cluster = this.#cluster
    for (const plan of this.#scenario.sets) await this.#meanwhile(cluster.apply(manifestOf(plan)))
    let atMs = 0
    for (const action of this.#scenario.actions) {
      await this.#step(action.atMs - atMs)
      atMs = action.atMs
      if (this.#isOver) return this.#outcome()
      this.#chronicle.note(`> ${deedText(action)}`)
      await this.#meanwhile(
        perform(action, {
          cluster,
          faults: this.#faults,
          plans: this.#scenario.sets,
          user: {
            deletedPod: (uid, isForced) => this.#userDeleted(uid, isForced),
            heldPod: (uid, isHeld) => this.#revisions.hold(uid, isHeld),
          },
          later: (delayMs, undo) => this.#later(delayMs, undo, `${deedText(action)} is over`),
        }),
      )
    }
    await this.#step(LENGTH_MS - atMs)
    for (const undo of [...this.#pending]) await this.#meanwhile(Promise.resolve(undo()))
    if (!this.#isOver) await this.#end()
    return this.#outcome()
  }

  async close(): Promise<void> {
    this.#ended.abort(new Error('the run is over'))
    await this.#cluster[Symbol.asyncDispose]()
  }

  get #isOver(): boolean {
    return this.#violation !== undefined
  }

  /** All is well again: the user repairs what is left, and everything must come to be as it was asked. */
  async #end(): Promise<void> {
    await this.#step(1000)
    this.#chronicle.note('> the user takes back broken images and foreign labels')
    await this.#meanwhile(repair(this.#cluster))
    const problem = await converge(this.#cluster, {
      step: ms => this.#step(ms),
      deletedPod: uid => this.#userDeleted(uid, false),
    })
    if (problem) this.#violated(problem)
  }

  #userDeleted(uid: string, isForced: boolean): void {
    this.#rules.userDeleted(uid)
    if (isForced) this.#machines.overrule(uid)
  }

  #later(delayMs: number, undo: () => void | Promise<void>, text: string): void {
    const once = async (): Promise<void> => {
      if (!this.#pending.delete(once)) return
      this.#chronicle.note(`> ${text}`)
      await undo()
    }
    this.#pending.add(once)
    this.#cluster.clock.schedule(delayMs, () => void once())
  }

  /** Lets time pass timer by timer, and looks at the machines after each. Ends early once a promise is broken. */
  async #step(ms: number): Promise<void> {
    const { clock } = this.#cluster
    const untilMs = clock.monotonicMs() + ms
    for (;;) {
      const nextMs = clock.untilNextMs() ?? Number.POSITIVE_INFINITY
      const leftMs = untilMs - clock.monotonicMs()
      await clock.advance(Math.max(0, Math.min(nextMs, leftMs)))
      this.#machines.look(this.#cluster)
      if (nextMs >= leftMs || this.#isOver) return
    }
  }

  /** Time goes on while a deed is under way: a slow store answers only when it passes. */
  async #meanwhile(deed: Promise<void>): Promise<void> {
    let isDone = false
    const done = deed.finally(() => {
      isDone = true
    })
    done.catch(() => {}) // Thrown below.
    const { clock } = this.#cluster
    for (await clock.rest(); !isDone; await clock.rest()) await this.#step(clock.untilNextMs() ?? 1)
    await done
  }

  /** The first is what counts: the others may follow from it. */
  #violated(text: string): void {
    if (this.#isOver) return
    const { clock, nodes } = this.#cluster
    this.#violation = `[${momentText(clock.monotonicMs()).trim()}] ${text}`
    this.#evidence = this.#chronicle.text(nodes)
  }

  async #outcome(): Promise<Outcome> {
    const violation = this.#violation
    const events = violation === undefined ? '' : await eventsText(this.#cluster).catch(String)
    return {
      ...(violation !== undefined && {
        violation,
        evidence: `${this.#evidence}
${events}`,
      }),
      digest: this.#cluster.historyDigest(),
      virtualMs: this.#cluster.clock.monotonicMs(),
    }
  }
}
