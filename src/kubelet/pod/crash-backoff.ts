import type { KubeletConfig } from '../kubelet-config.ts'

interface Entry {
  readonly delayMs: number
  readonly updatedAtMs: number
}

/**
 * How long something that keeps failing must wait: nothing after the first failure, then 10 s, doubling to 5 min;
 * forgotten when it went well for 10 min.
 */
export class CrashBackoff {
  readonly #limits: KubeletConfig['backoff']
  readonly #entries = new Map<string, Entry>()

  constructor(limits: KubeletConfig['backoff']) {
    this.#limits = limits
  }

  /** The pause that the next failure will have to keep; 0 before any. */
  delayMs(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0
  }

  /** What is left of the pause for a failure at `failedAtMs`. */
  remainingMs(key: string, { failedAtMs, nowMs }: { failedAtMs: number; nowMs: number }): number {
    const entry = this.#entries.get(key)
    if (!entry || failedAtMs - entry.updatedAtMs > this.#limits.resetMs) return 0
    return Math.max(0, entry.delayMs - (nowMs - failedAtMs))
  }

  /** Notes another try. */
  next(key: string, { failedAtMs, nowMs }: { failedAtMs: number; nowMs: number }): void {
    const entry = this.#entries.get(key)
    const isFresh = !entry || failedAtMs - entry.updatedAtMs > this.#limits.resetMs
    const delayMs = isFresh ? this.#limits.msMin : Math.min(entry.delayMs * 2, this.#limits.msMax)
    this.#entries.set(key, { delayMs, updatedAtMs: nowMs })
  }

  forget(key: string): void {
    this.#entries.delete(key)
  }
}
