import type { Answer } from '../cluster/answer.ts'
import { type Question, Rcode, RecordType, type ResourceRecord } from '../message/message.ts'
import { foldedName } from '../message/name.ts'
import { negativeTtlOf } from '../message/resource-record.ts'

const ANSWERS_MAX = 10_000
const POSITIVE_TTL_SECONDS_MAX = 3600
/** Short, so that a name made outside just now is not missed for long. */
const NEGATIVE_TTL_SECONDS_MAX = 30

interface Kept {
  readonly answer: Answer
  readonly storedMs: number
  readonly expiresMs: number
}

/** Answers of other name servers, for as long as they allow. The oldest goes when there is no more room. */
export class ForwardCache {
  readonly #kept = new Map<string, Kept>()

  /** With times to live counted down by the time it lay here. */
  find(key: string, nowMs: number): Answer | undefined {
    const kept = this.#kept.get(key)
    if (!kept) return undefined
    if (nowMs >= kept.expiresMs) {
      this.#kept.delete(key)
      return undefined
    }
    const age = Math.floor((nowMs - kept.storedMs) / 1000)
    return age === 0 ? kept.answer : aged(kept.answer, age)
  }

  put(key: string, answer: Answer, nowMs: number): void {
    const seconds = lifetimeSecondsOf(answer)
    if (seconds <= 0) return
    this.#kept.delete(key)
    if (this.#kept.size >= ANSWERS_MAX) this.#kept.delete(this.#kept.keys().next().value!)
    this.#kept.set(key, { answer, storedMs: nowMs, expiresMs: nowMs + seconds * 1000 })
  }
}

export const forwardKey = ({ name, type, class: asked }: Question, dnssecOk: boolean): string =>
  `${foldedName(name)} ${type} ${asked}${dnssecOk ? ' do' : ''}`

/** RFC 2308 section 5 for what is not there; zero for what must not be kept. */
function lifetimeSecondsOf({ rcode, answers, authority, additional }: Answer): number {
  if (rcode !== Rcode.NoError && rcode !== Rcode.NameError) return 0
  const soa = authority.find(({ type }) => type === RecordType.SOA)
  if (answers.length === 0 || rcode === Rcode.NameError) {
    return soa ? Math.min(soa.ttl, negativeTtlOf(soa), NEGATIVE_TTL_SECONDS_MAX) : 0
  }
  return Math.min(POSITIVE_TTL_SECONDS_MAX, ...[...answers, ...authority, ...additional].map(({ ttl }) => ttl))
}

function aged(answer: Answer, seconds: number): Answer {
  const older = (records: readonly ResourceRecord[]): ResourceRecord[] =>
    records.map(record => ({ ...record, ttl: Math.max(0, record.ttl - seconds) }))
  return {
    ...answer,
    answers: older(answer.answers),
    authority: older(answer.authority),
    additional: older(answer.additional),
  }
}
