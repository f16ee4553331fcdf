type Act = () => Promise<void>

/** What is still to be done when the process is asked to end. */
export class Farewell {
  readonly #acts: Act[] = []

  add(act: Act): void {
    this.#acts.push(act)
  }

  async say(): Promise<void> {
    await Promise.allSettled(this.#acts.map(act => act()))
  }
}

/** A signal that is aborted when the process is asked to end, after the farewell. A second request ends it at once. */
export function endSignal(farewell = new Farewell()): AbortSignal {
  const ending = new AbortController()
  let isAsked = false
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (isAsked) process.exit(130)
      isAsked = true
      void farewell.say().then(() => ending.abort(new Error(`ended by ${name}`)))
    })
  }
  return ending.signal
}

export const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
