/**
 * Events for one reader. What is pushed while nobody reads waits; beyond `lengthMax` the oldest are dropped and `onDrop`
 * takes their place.
 */
export class EventQueue<T> {
  readonly #waiting: T[] = []
  readonly #lengthMax: number
  readonly #onDrop: T | undefined
  #wake: (() => void) | undefined
  #isClosed = false

  constructor({ lengthMax = 10_000, onDrop }: { lengthMax?: number; onDrop?: T } = {}) {
    this.#lengthMax = lengthMax
    this.#onDrop = onDrop
  }

  push(event: T): void {
    if (this.#isClosed) return
    if (this.#waiting.length >= this.#lengthMax) {
      this.#waiting.length = 0
      if (this.#onDrop !== undefined) this.#waiting.push(this.#onDrop)
    }
    this.#waiting.push(event)
    this.#wake?.()
  }

  /** What waits is still read. */
  close(): void {
    this.#isClosed = true
    this.#wake?.()
  }

  /** Until the queue is closed or the signal is aborted. */
  async *read(signal?: AbortSignal): AsyncIterable<T> {
    const wake = (): void => this.#wake?.()
    signal?.addEventListener('abort', wake, { once: true })
    try {
      while (!signal?.aborted) {
        const [event] = this.#waiting.splice(0, 1)
        if (event !== undefined) yield event
        else if (this.#isClosed) return
        else await this.#next()
      }
    } finally {
      signal?.removeEventListener('abort', wake)
    }
  }

  #next(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }
}
