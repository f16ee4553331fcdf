import type { Clock } from '../../machinery/clock.ts'
import type { Logger } from '../../machinery/logger.ts'
import { integerBelow, type Random } from '../../machinery/random.ts'
import { type Answer, failed, serverFailure } from '../cluster/answer.ts'
import { decodeMessage } from '../message/decode.ts'
import { encodeMessage } from '../message/encode.ts'
import { CLASS_IN, type Message, type Question, queryFor, Rcode, RecordType } from '../message/message.ts'
import { foldedName } from '../message/name.ts'
import { EDNS_UDP_BYTES, type Transport } from '../server/query.ts'
import { ForwardCache, forwardKey } from './forward-cache.ts'
import type { Upstream } from './upstream.ts'

const TIMEOUT_MS = 1000
/** A datagram may get lost; a server is silent when it misses this many in a row for one question. */
const TRIES = 2
/** Different questions under way at once. Those beyond fail at once, so that a flood holds no more than this. */
const UNDER_WAY_MAX = 1000

export interface ForwarderDependencies {
  readonly upstream: Upstream
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Asks the name servers of the world outside the cluster. */
export interface Forwarder {
  /** Never rejects: what nobody can answer is a server failure. */
  forward(question: Question, dnssecOk: boolean): Promise<Answer>
  /** Sets whom to ask, in order of preference. Servers that lead back here are found out and passed over. */
  useServers(servers: readonly string[]): void
}

interface Server {
  readonly address: string
  /** Missed the last question put to it. Until it answers again, only one question at a time waits for it. */
  isSilent: boolean
  isBeingTried: boolean
  isLoop: boolean
}

export function forwarder(dependencies: ForwarderDependencies): Forwarder {
  return new CachingForwarder(dependencies)
}

class CachingForwarder implements Forwarder {
  readonly #dependencies: ForwarderDependencies
  readonly #cache = new ForwardCache()
  readonly #underWay = new Map<string, Promise<Answer>>()
  /** Names asked only to see whether they come back, with the server that they were sent to. */
  readonly #probes = new Map<string, Server>()
  #servers: readonly Server[] = []

  constructor(dependencies: ForwarderDependencies) {
    this.#dependencies = dependencies
  }

  useServers(addresses: readonly string[]): void {
    if (addresses.join() === this.#servers.map(({ address }) => address).join()) return
    this.#servers = addresses.map(address => ({ address, isSilent: false, isBeingTried: false, isLoop: false }))
    for (const server of this.#servers) void this.#probe(server)
  }

  async forward(question: Question, dnssecOk: boolean): Promise<Answer> {
    const looping = this.#probes.get(foldedName(question.name))
    if (looping) return this.#foundLoop(looping)
    const key = forwardKey(question, dnssecOk)
    const kept = this.#cache.find(key, this.#nowMs())
    if (kept) return kept
    const same = this.#underWay.get(key)
    if (same) return same
    if (this.#underWay.size >= UNDER_WAY_MAX) return serverFailure
    const asked = this.#askAll(question, dnssecOk).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, asked)
    const answer = await asked
    this.#cache.put(key, answer, this.#nowMs())
    return answer
  }

  #nowMs(): number {
    return this.#dependencies.clock.monotonicMs()
  }

  async #askAll(question: Question, dnssecOk: boolean): Promise<Answer> {
    let refused: Answer | undefined
    for (const server of this.#servers) {
      if (server.isLoop || (server.isSilent && server.isBeingTried)) continue
      const answer = await this.#ask(server, question, dnssecOk)
      if (answer?.rcode === Rcode.NoError || answer?.rcode === Rcode.NameError) return answer
      refused ??= answer
    }
    return refused ?? serverFailure
  }

  /** Undefined when the server does not answer, or not with sense. */
  async #ask(server: Server, question: Question, dnssecOk: boolean): Promise<Answer | undefined> {
    server.isBeingTried = true
    try {
      const { rcode, answers, authority, additional } = await this.#exchange(server, question, dnssecOk)
      server.isSilent = false
      return { rcode, authoritative: false, answers, authority, additional }
    } catch (error) {
      if (!server.isSilent)
        this.#dependencies.logger.warn({ err: error, server: server.address }, 'name server is silent')
      server.isSilent = true
      return undefined
    } finally {
      server.isBeingTried = false
    }
  }

  async #exchange(server: Server, question: Question, dnssecOk: boolean): Promise<Message> {
    const id = integerBelow(this.#dependencies.random, 0x10000)
    const query = { ...queryFor(id, question), edns: { udpSize: EDNS_UDP_BYTES, version: 0, dnssecOk } }
    const overUdp = await this.#exchangeRepeatedly(server, query)
    return overUdp.truncated ? this.#exchangeOver('tcp', server, query) : overUdp
  }

  async #exchangeRepeatedly(server: Server, query: Message): Promise<Message> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.#exchangeOver('udp', server, query)
      } catch (error) {
        if (tried === TRIES) throw error
      }
    }
  }

  async #exchangeOver(transport: Transport, { address }: Server, query: Message): Promise<Message> {
    const { upstream, clock } = this.#dependencies
    const timeout = new AbortController()
    const timer = clock.schedule(TIMEOUT_MS, () => timeout.abort(new Error(`no answer within ${TIMEOUT_MS} ms`)))
    try {
      const answer = await upstream.exchange({
        server: address,
        packet: encodeMessage(query),
        transport,
        accepts: packet => answers(packet, query),
        signal: timeout.signal,
      })
      return decodeMessage(answer)
    } finally {
      timer.cancel()
    }
  }

  /** Sends a name that nobody else knows. If it comes back as a question, the server asks us what we ask it. */
  async #probe(server: Server): Promise<void> {
    const bytes = Buffer.from(this.#dependencies.random.bytes(16)).toString('hex')
    const name = `${bytes.slice(0, 16)}.${bytes.slice(16)}`
    this.#probes.set(name, server)
    try {
      await this.#exchange(server, { name, type: RecordType.HINFO, class: CLASS_IN }, false)
    } catch {
      // A server that is not there yet cannot lead back here; questions will find out when it is.
    } finally {
      this.#probes.delete(name)
    }
  }

  #foundLoop(server: Server): Answer {
    if (!server.isLoop) {
      this.#dependencies.logger.warn(
        { server: server.address },
        'name server forwards our own questions back to us; it is passed over until the list of servers changes',
      )
    }
    server.isLoop = true
    return failed(Rcode.Refused)
  }
}

/** The answer to just this query: same id, same question (RFC 5452 section 9.1). */
function answers(packet: Buffer, query: Message): boolean {
  try {
    const { response, id, questions } = decodeMessage(packet)
    const [asked, echoed] = [query.questions[0]!, questions[0]]
    const isSame = echoed && foldedName(echoed.name) === foldedName(asked.name) && echoed.type === asked.type
    return response && id === query.id && questions.length === 1 && Boolean(isSame)
  } catch {
    return false
  }
}
