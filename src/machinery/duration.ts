const UNIT_MS = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
])

/** Milliseconds of `1h30m`, `10s`, `1.5m`, `0`: durations as Go and Kubernetes write them. Throws on anything else. */
export function durationMsOf(text: string): number {
  if (text === '0') return 0
  const match = /^([+-]?)((?:\d+\.?\d*(?:ns|us|µs|ms|s|m|h))+)$/.exec(text)
  if (!match) throw new Error(`"${text}" is not a duration such as 1h30m, 10s or 500ms`)
  let sum = 0
  for (const [, number, unit] of match[2]!.matchAll(/(\d+\.?\d*)(ns|us|µs|ms|s|m|h)/g)) {
    sum += Number(number) * UNIT_MS.get(unit!)!
  }
  return match[1] === '-' ? -sum : sum
}

/** `1h0m0s`, `1m30s`, `1.5s`, `250ms`, `0s`: as Go prints a duration. */
export function durationText(ms: number): string {
  if (ms === 0) return '0s'
  if (ms < 0) return `-${durationText(-ms)}`
  if (ms < 1000) return `${ms}ms`
  const hours = Math.floor(ms / 3_600_000)
  const minutes = Math.floor((ms % 3_600_000) / 60_000)
  const seconds = (ms % 60_000) / 1000
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`
}
