import type { StatusError } from '../../machinery/status.ts'
import type { CachedObject } from './cached-object.ts'
import type { CacheEvent, Watcher } from './watcher.ts'

/** The one value of one field that a watcher asks for: changes of objects with other values are not for it. */
export interface Interest {
  readonly field: string
  readonly value: string
  readonly valueIn: (object: CachedObject) => string | undefined
}

interface Member {
  readonly watcher: Watcher
  readonly interest: Interest | undefined
  /** Watchers are told in the order in which they came, whatever they ask for. */
  readonly sequence: number
}

interface Field {
  readonly valueIn: Interest['valueIn']
  readonly members: Map<string, Set<Member>>
}

/**
 * The watchers of one resource. Thousands of machines watch the Pods of their own: a change is shown to those whom its
 * field may concern, not to all.
 */
export class WatcherSet {
  readonly #members = new Map<Watcher, Member>()
  readonly #concernedByAll = new Set<Member>()
  readonly #fields = new Map<string, Field>()
  #sequence = 0

  add(watcher: Watcher, interest?: Interest): void {
    const member = { watcher, interest, sequence: this.#sequence++ }
    this.#members.set(watcher, member)
    this.#placeOf(interest).add(member)
  }

  delete(watcher: Watcher): void {
    const member = this.#members.get(watcher)
    if (!member) return
    this.#members.delete(watcher)
    const { interest } = member
    const place = this.#placeOf(interest)
    place.delete(member)
    if (interest && place.size === 0) this.#fields.get(interest.field)!.members.delete(interest.value)
  }

  tell(event: CacheEvent): void {
    const chosen = this.#chosenFor(event)
    let next = 0
    for (const { watcher, sequence } of this.#concernedByAll) {
      while (next < chosen.length && chosen[next]!.sequence < sequence) chosen[next++]!.watcher.push(event)
      watcher.push(event)
    }
    while (next < chosen.length) chosen[next++]!.watcher.push(event)
  }

  end(failure?: StatusError): void {
    for (const watcher of [...this.#members.keys()]) watcher.end(failure)
  }

  #placeOf(interest: Interest | undefined): Set<Member> {
    if (!interest) return this.#concernedByAll
    const field = this.#fields.get(interest.field) ?? { valueIn: interest.valueIn, members: new Map() }
    this.#fields.set(interest.field, field)
    const members = field.members.get(interest.value) ?? new Set()
    field.members.set(interest.value, members)
    return members
  }

  /** Those who asked for a value that the object has, or had before. */
  #chosenFor({ event, previous }: CacheEvent): readonly Member[] {
    const chosen: Member[] = []
    for (const { valueIn, members } of this.#fields.values()) {
      if (members.size === 0) continue
      const value = valueIn(event.encoded as CachedObject)
      const before = previous && valueIn(previous)
      chosen.push(...(members.get(value ?? '') ?? []))
      if (before !== undefined && before !== value) chosen.push(...(members.get(before) ?? []))
    }
    return chosen.sort((a, b) => a.sequence - b.sequence)
  }
}
