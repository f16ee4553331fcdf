import type { ApiCall, ApiTransport, WatchEvent } from '../machinery/api-call.ts'
import type { JsonObject } from '../machinery/json.ts'

/** The way from one machine to the server, which can be cut: requests then fail, watches break, nothing gets through. */
export class CuttableTransport implements ApiTransport {
  readonly #transport: ApiTransport
  #cut = new AbortController()
  #isCut = false

  constructor(transport: ApiTransport) {
    this.#transport = transport
  }

  cut(): void {
    this.#isCut = true
    this.#cut.abort(new Error('the connection to the server is cut'))
  }

  heal(): void {
    this.#isCut = false
    this.#cut = new AbortController()
  }

  async request(call: ApiCall, signal?: AbortSignal): Promise<JsonObject> {
    if (this.#isCut) throw this.#cut.signal.reason
    const line = this.#cut.signal
    const answer = await this.#transport.request(call, signal)
    if (line.aborted) throw line.reason // It took effect, but the answer never arrives.
    return answer
  }

  async *watch(call: ApiCall, signal: AbortSignal): AsyncIterable<WatchEvent> {
    if (this.#isCut) throw this.#cut.signal.reason
    const line = this.#cut.signal
    yield* this.#transport.watch(call, AbortSignal.any([signal, line]))
    if (line.aborted && !signal.aborted) throw line.reason
  }
}
