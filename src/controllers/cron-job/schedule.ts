import { durationMsOf } from '../../machinery/duration.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** A schedule that is not due within so long (30 February) never is. */
const SEARCH_MS_MAX = 5 * 366 * 24 * HOUR_MS

const MACROS: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
])
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** Text that is no schedule, or names no time zone. */
export class ScheduleError extends Error {
  override name = 'ScheduleError'
}

export interface Schedule {
  /** The first time that is due after `after`; undefined when there is none within five years. */
  next(after: Date): Date | undefined
}

/** Reads five fields of cron, or `@hourly` and its like, in a time zone (UTC by default). Throws `ScheduleError`. */
export function scheduleOf(text: string, timeZone = 'UTC'): Schedule {
  const trimmed = text.trim().toLowerCase()
  if (trimmed.startsWith('@every ')) return everySchedule(trimmed.slice('@every '.length))
  const fields = (MACROS.get(trimmed) ?? trimmed).split(/\s+/)
  if (fields.length !== 5) throw new ScheduleError(`expected exactly 5 fields, found ${fields.length}: ${text}`)
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string]
  const rules: Rules = {
    minutes: valuesOf(minute, { min: 0, max: 59 }),
    hours: valuesOf(hour, { min: 0, max: 23 }),
    days: valuesOf(day, { min: 1, max: 31 }),
    months: valuesOf(month, { min: 1, max: 12, names: MONTHS }),
    weekdays: new Set([...valuesOf(weekday, { min: 0, max: 7, names: WEEKDAYS })].map(value => value % 7)),
    isAnyDay: /^[*?]/.test(day),
    isAnyWeekday: /^[*?]/.test(weekday),
  }
  const local = localClock(timeZone)
  return { next: after => nextTime(rules, local, after) }
}

interface Rules {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly days: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly weekdays: ReadonlySet<number>
  readonly isAnyDay: boolean
  readonly isAnyWeekday: boolean
}

interface LocalTime {
  readonly minute: number
  readonly hour: number
  readonly day: number
  readonly month: number
  readonly weekday: number
}

function everySchedule(text: string): Schedule {
  let intervalMs: number
  try {
    intervalMs = Math.max(1000, durationMsOf(text))
  } catch (error) {
    throw new ScheduleError(`failed to parse duration ${text}`, { cause: error })
  }
  return { next: after => new Date(Math.floor((after.getTime() + intervalMs) / 1000) * 1000) }
}

interface Field {
  readonly min: number
  readonly max: number
  readonly names?: readonly string[]
}

/** `*`, `5`, `1-5`, steps of either, `10-40/5`, `mon-fri`, and lists of these. */
function valuesOf(text: string, field: Field): Set<number> {
  const values = new Set<number>()
  for (const part of text.split(',')) {
    const match = /^([*?]|[a-z0-9]+(?:-[a-z0-9]+)?)(?:\/(\d+))?$/.exec(part)
    if (!match) throw new ScheduleError(`failed to parse field: ${part}`)
    const [, range, stepText] = match
    const step = Number(stepText ?? 1)
    const { first, last } = rangeOf(range!, field, stepText !== undefined)
    if (step === 0 || first > last) throw new ScheduleError(`beginning or step of the range is wrong: ${part}`)
    for (let value = first; value <= last; value += step) values.add(value)
  }
  return values
}

function rangeOf(text: string, field: Field, isStepped: boolean): { first: number; last: number } {
  if (text === '*' || text === '?') return { first: field.min, last: field.max }
  const [first, last] = text.split('-').map(word => numberOf(word, field))
  return { first: first!, last: last ?? (isStepped ? field.max : first!) }
}

function numberOf(word: string, { min, max, names = [] }: Field): number {
  const named = names.indexOf(word)
  const value = named >= 0 ? named + (min === 1 ? 1 : 0) : Number(word)
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ScheduleError(`value ${word} is not between ${min} and ${max}`)
  }
  return value
}

/** Skips hours that lie outside; within one, the minutes are known at once. */
function nextTime(rules: Rules, local: (time: Date) => LocalTime, after: Date): Date | undefined {
  const limitMs = after.getTime() + SEARCH_MS_MAX
  let atMs = Math.floor(after.getTime() / MINUTE_MS) * MINUTE_MS + MINUTE_MS
  while (atMs < limitMs) {
    const time = local(new Date(atMs))
    const hourStartMs = atMs - time.minute * MINUTE_MS
    if (!isDayOf(rules, time)) atMs = hourStartMs + Math.max(1, 23 - time.hour) * HOUR_MS
    else if (!rules.hours.has(time.hour)) atMs = hourStartMs + HOUR_MS
    else {
      const minute = [...rules.minutes].filter(value => value >= time.minute).sort((a, b) => a - b)[0]
      if (minute !== undefined) return new Date(hourStartMs + minute * MINUTE_MS)
      atMs = hourStartMs + HOUR_MS
    }
  }
  return undefined
}

/** When day and weekday are both restricted, either is enough. */
function isDayOf({ days, months, weekdays, isAnyDay, isAnyWeekday }: Rules, time: LocalTime): boolean {
  if (!months.has(time.month)) return false
  const isDay = days.has(time.day)
  const isWeekday = weekdays.has(time.weekday)
  return isAnyDay || isAnyWeekday ? isDay && isWeekday : isDay || isWeekday
}

function localClock(timeZone: string): (time: Date) => LocalTime {
  if (timeZone === 'UTC') return utcTime
  let format: Intl.DateTimeFormat
  try {
    const options = {
      timeZone,
      hourCycle: 'h23',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      weekday: 'short',
    } as const
    format = new Intl.DateTimeFormat('en-US', options)
  } catch (error) {
    throw new ScheduleError(`unknown time zone ${timeZone}`, { cause: error })
  }
  return time => {
    const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]))
    const number = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type))
    const weekday = WEEKDAYS.indexOf(parts.get('weekday')!.toLowerCase())
    return { minute: number('minute'), hour: number('hour'), day: number('day'), month: number('month'), weekday }
  }
}

const utcTime = (time: Date): LocalTime => ({
  minute: time.getUTCMinutes(),
  hour: time.getUTCHours(),
  day: time.getUTCDate(),
  month: time.getUTCMonth() + 1,
  weekday: time.getUTCDay(),
})
