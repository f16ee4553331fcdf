import type { CronJob } from '../../api/batch-v1/types.ts'
import { timeOf } from '../../machinery/time.ts'
import type { Schedule } from './schedule.ts'

/** More missed runs than this are worth telling: the clock jumped, or nobody was there for long. */
const MISSED_MAX = 100

export interface DueRun {
  /** The latest run that is due and was not started; undefined when there is none. */
  readonly time?: Date
  readonly isTooLate: boolean
  readonly isManyMissed: boolean
  /** Undefined when the schedule never comes again. */
  readonly nextTime: Date | undefined
}

/** Which run is due. Of several that were missed only the latest is made up for. */
export function dueRunOf({ metadata, spec, status }: CronJob, schedule: Schedule, now: Date): DueRun {
  const last = timeOf(status.lastScheduleTime ?? metadata.creationTimestamp)
  const deadlineMs = spec.startingDeadlineSeconds === undefined ? undefined : spec.startingDeadlineSeconds * 1000
  const earliest = deadlineMs === undefined ? last : new Date(Math.max(last.getTime(), now.getTime() - deadlineMs))
  const { due, missed } = latestDue(schedule, earliest, now)
  const isTooLate = due !== undefined && deadlineMs !== undefined && due.getTime() + deadlineMs < now.getTime()
  const nextTime = schedule.next(now)
  return { ...(due && { time: due }), isTooLate, isManyMissed: missed > MISSED_MAX, nextTime }
}

/** After many missed runs the search goes on in the second half of what is left, again and again: the latest is found soon. */
function latestDue(schedule: Schedule, earliest: Date, now: Date): { readonly due?: Date; readonly missed: number } {
  let due: Date | undefined
  let missed = 0
  for (let next = schedule.next(earliest); next && next <= now; ) {
    due = next
    missed++
    const halfway = new Date(due.getTime() + (now.getTime() - due.getTime()) / 2)
    const later: Date | undefined = missed > MISSED_MAX ? schedule.next(halfway) : undefined
    next = later && later <= now ? later : schedule.next(due)
  }
  return { ...(due && { due }), missed }
}
