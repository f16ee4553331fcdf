const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const YEAR = 365 * DAY

/** How long ago something was, as every AGE column prints it. */
export function ageText(time: string | undefined, now: Date): string {
  const from = time === undefined ? Number.NaN : Date.parse(time)
  if (Number.isNaN(from)) return '<unknown>'
  const ms = now.getTime() - from
  if (ms < -SECOND) return '<invalid>'
  return elapsedText(ms)
}

/** A time span in the one or two units that matter. */
export function elapsedText(ms: number): string {
  if (ms <= 0) return '0s'
  if (ms < 2 * MINUTE) return `${Math.floor(ms / SECOND)}s`
  if (ms < 10 * MINUTE) return twoUnits(ms, { unit: MINUTE, letter: 'm', below: SECOND, belowLetter: 's' })
  if (ms < 3 * HOUR) return `${Math.floor(ms / MINUTE)}m`
  if (ms < 8 * HOUR) return twoUnits(ms, { unit: HOUR, letter: 'h', below: MINUTE, belowLetter: 'm' })
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)}h`
  if (ms < 8 * DAY) return twoUnits(ms, { unit: DAY, letter: 'd', below: HOUR, belowLetter: 'h' })
  if (ms < 2 * YEAR) return `${Math.floor(ms / DAY)}d`
  if (ms < 8 * YEAR) return twoUnits(ms, { unit: YEAR, letter: 'y', below: DAY, belowLetter: 'd' })
  return `${Math.floor(ms / YEAR)}y`
}

function twoUnits(ms: number, units: { unit: number; letter: string; below: number; belowLetter: string }): string {
  const { unit, letter, below, belowLetter } = units
  const rest = Math.floor((ms % unit) / below)
  return `${Math.floor(ms / unit)}${letter}${rest === 0 ? '' : `${rest}${belowLetter}`}`
}
