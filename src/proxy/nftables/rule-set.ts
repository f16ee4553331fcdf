import type { Element, ElementSet, ServiceRules } from '../plan/service-rules.ts'
import { emptyTable, pickChain, STAMP_SET, stampAtEnd, TABLE, type TableOptions, type Transaction } from './table.ts'

/**
 * Chains that draw one of so many endpoints are made in blocks of this size and only with the whole table: nft 1.0 cannot
 * read back the type of the map that they use, so it cannot add such a rule to a table that is there.
 */
const PICK_BLOCK = 32

const nothing: Pick<ServiceRules, 'elements' | 'chains' | 'sets'> = { elements: [], chains: new Map(), sets: new Map() }

/** `set key`: what may be in the table once. */
type Slot = string

interface Claim {
  readonly element: Element
  /** Services that want the slot, the first of which has it; with what each would put there. */
  readonly holders: Map<string, string | undefined>
}

/**
 * What the table should hold, and the commands that lead there from what it was last told. Several Services may claim one
 * slot (two with the same external address, or one Pod behind both): the first keeps it, the next inherits it.
 */
export class RuleSet {
  readonly #options: TableOptions
  readonly #services = new Map<string, ServiceRules>()
  readonly #claims = new Map<Slot, Claim>()
  /** Values as the kernel has them. */
  readonly #written = new Map<Slot, string | undefined>()
  /** Blocks of chains that draw one of so many, by their number. */
  readonly #pickBlocks = new Set<number>()
  readonly #dirtySlots = new Set<Slot>()
  readonly #oldChains = new Map<string, readonly string[] | undefined>()
  readonly #oldSets = new Map<string, string | undefined>()
  #stamp = 0

  constructor(options: TableOptions) {
    this.#options = options
  }

  get stamp(): string {
    return `0x${this.#stamp.toString(16).padStart(8, '0')}`
  }

  service(key: string): ServiceRules | undefined {
    return this.#services.get(key)
  }

  keys(): IterableIterator<string> {
    return this.#services.keys()
  }

  /** Replaces what a Service wants; undefined when it is gone. */
  put(key: string, rules: ServiceRules | undefined): void {
    const old = this.#services.get(key)
    if (rules) this.#services.set(key, rules)
    else this.#services.delete(key)
    this.#moveClaims(key, old ?? nothing, rules ?? nothing)
    const now = rules ?? nothing
    noteOld(this.#oldChains, (old ?? nothing).chains, now.chains, (a, b) => a?.join('\n') === b?.join('\n'))
    noteOld(this.#oldSets, (old ?? nothing).sets, now.sets, (a, b) => a === b)
  }

  #moveClaims(key: string, old: Pick<ServiceRules, 'elements'>, now: Pick<ServiceRules, 'elements'>): void {
    const kept = new Set<Slot>()
    for (const element of now.elements) {
      const slot = slotOf(element)
      kept.add(slot)
      const claim = this.#claims.get(slot) ?? { element, holders: new Map() }
      this.#claims.set(slot, claim)
      claim.holders.set(key, element.value)
      this.#dirtySlots.add(slot)
    }
    for (const element of old.elements) {
      const slot = slotOf(element)
      if (kept.has(slot)) continue
      const claim = this.#claims.get(slot)
      claim?.holders.delete(key)
      if (claim?.holders.size === 0) this.#claims.delete(slot)
      this.#dirtySlots.add(slot)
    }
  }

  /** Commands that make the table anew as a whole, whatever is there. */
  whole(): Transaction {
    this.#written.clear()
    this.#oldChains.clear()
    this.#oldSets.clear()
    for (const slot of this.#claims.keys()) this.#dirtySlots.add(slot)
    for (const { chains, sets } of this.#services.values()) {
      for (const name of chains.keys()) this.#oldChains.set(name, undefined)
      for (const name of sets.keys()) this.#oldSets.set(name, undefined)
    }
    this.#pickBlocks.add(0)
    for (const { holders } of this.#claims.values()) {
      for (const block of pickBlocksOf(holders.values())) this.#pickBlocks.add(block)
    }
    const picks = [...this.#pickBlocks].flatMap(block =>
      Array.from({ length: PICK_BLOCK }, (_, i) => pickChain(block * PICK_BLOCK + i + 1)),
    )
    const empty = `${emptyTable(this.#options)}${picks.join('')}`
    return this.#stamped(`${empty}${this.#commands()}`, { isWhole: true })
  }

  /** Commands for what changed since the last commands were made, if anything did; for all when only that helps. */
  changes(): Transaction | undefined {
    const isMissing = [...this.#dirtySlots].some(slot =>
      pickBlocksOf(this.#claims.get(slot)?.holders.values() ?? []).some(block => !this.#pickBlocks.has(block)),
    )
    if (isMissing) return this.whole()
    const commands = this.#commands()
    if (commands === '') return undefined
    return this.#stamped(`flush set ${TABLE} ${STAMP_SET}\n${commands}`, { isWhole: false })
  }

  /** An element is deleted before its slot gets another value; what refers to a chain goes before it and comes after it. */
  #commands(): string {
    const removed: Element[] = []
    const added: Element[] = []
    for (const slot of this.#dirtySlots) this.#moveSlot(slot, removed, added)
    this.#dirtySlots.clear()
    const chains = this.#changedChains()
    return [
      ...elementCommands('delete', removed),
      ...chains.before,
      ...elementCommands('add', added),
      ...chains.after,
    ].join('')
  }

  #stamped(commands: string, { isWhole }: Pick<Transaction, 'isWhole'>): Transaction {
    this.#stamp++
    const { stamp } = this
    return { commands: `${commands}${stampAtEnd(stamp)}`, stamp, isWhole }
  }

  #moveSlot(slot: Slot, removed: Element[], added: Element[]): void {
    const claim = this.#claims.get(slot)
    const isWritten = this.#written.has(slot)
    const value = claim?.holders.values().next().value
    if (claim && isWritten && this.#written.get(slot) === value) return
    if (isWritten) removed.push(elementOf(slot))
    if (claim) {
      added.push({ ...claim.element, ...(value !== undefined && { value }) })
      this.#written.set(slot, value)
    } else {
      this.#written.delete(slot)
    }
  }

  #changedChains(): { before: string[]; after: string[] } {
    const chains = new Map(
      [...this.#services.values()].flatMap(rules => (this.#oldChains.size > 0 ? [...rules.chains] : [])),
    )
    const sets = new Map([...this.#services.values()].flatMap(rules => (this.#oldSets.size > 0 ? [...rules.sets] : [])))
    const [made, flushed, filled, dropped]: string[][] = [[], [], [], []]
    for (const [name, old] of this.#oldSets) {
      const wanted = sets.get(name)
      if (wanted !== undefined && old === undefined) made!.push(`add set ${TABLE} ${name} { ${wanted} }\n`)
      if (wanted === undefined && old !== undefined) dropped!.push(`delete set ${TABLE} ${name}\n`)
    }
    for (const [name, old] of this.#oldChains) {
      const wanted = chains.get(name)
      if (old === undefined && wanted) made!.push(`add chain ${TABLE} ${name}\n`)
      if (old !== undefined) flushed!.push(`flush chain ${TABLE} ${name}\n`)
      for (const rule of wanted ?? []) filled!.push(`add rule ${TABLE} ${name} ${rule}\n`)
      if (old !== undefined && !wanted) dropped!.unshift(`delete chain ${TABLE} ${name}\n`)
    }
    this.#oldChains.clear()
    this.#oldSets.clear()
    return { before: [...made!, ...flushed!, ...filled!], after: dropped! }
  }
}

const PICK = 'goto pick-'

const pickBlocksOf = (values: Iterable<string | undefined>): number[] =>
  [...values].flatMap(value =>
    value?.startsWith(PICK) ? [Math.floor((Number(value.slice(PICK.length)) - 1) / PICK_BLOCK)] : [],
  )

const slotOf = ({ set, key }: Element): Slot => `${set} ${key}`

function elementOf(slot: Slot): Element {
  const space = slot.indexOf(' ')
  return { set: slot.slice(0, space) as ElementSet, key: slot.slice(space + 1) } // Made by slotOf.
}

function elementCommands(verb: 'add' | 'delete', elements: readonly Element[]): string[] {
  const bySet = Map.groupBy(elements, ({ set }) => set)
  return [...bySet].map(([set, list]) => {
    const items = list.map(({ key, value }) => (verb === 'add' && value !== undefined ? `${key} : ${value}` : key))
    return `${verb} element ${TABLE} ${set} { ${items.join(', ')} }\n`
  })
}

/** Remembers, for each name that changed, what the kernel has; a name changed twice keeps what it had first. */
function noteOld<T>(
  noted: Map<string, T | undefined>,
  old: ReadonlyMap<string, T>,
  now: ReadonlyMap<string, T>,
  isSame: (a: T | undefined, b: T | undefined) => boolean,
): void {
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    if (!noted.has(name) && !isSame(old.get(name), now.get(name))) noted.set(name, old.get(name))
  }
}
