import { expect, test } from 'vitest'
import type { CronJob } from '../../api/batch-v1/types.ts'
import { metaOf } from '../fixtures.ts'
import { dueRunOf } from './due-run.ts'
import { ScheduleError, scheduleOf } from './schedule.ts'

const nextTimes = (text: string, after: string, { count = 1, timeZone = 'UTC' } = {}): string[] => {
  const schedule = scheduleOf(text, timeZone)
  const times: string[] = []
  for (let time = schedule.next(new Date(after)); time && times.length < count; time = schedule.next(time)) {
    times.push(time.toISOString().slice(0, 16))
  }
  return times
}

test('the five fields say minute, hour, day, month and weekday', () => {
  expect(nextTimes('*/15 * * * *', '2026-01-01T00:00:00Z', { count: 3 })).toEqual([
    '2026-01-01T00:15',
    '2026-01-01T00:30',
    '2026-01-01T00:45',
  ])
  expect(nextTimes('30 4 1,15 * *', '2026-01-02T00:00:00Z')).toEqual(['2026-01-15T04:30'])
  expect(nextTimes('0 9 * * mon-fri', '2026-01-02T09:00:00Z')).toEqual(['2026-01-05T09:00'])
  expect(nextTimes('0 0 29 feb *', '2026-01-01T00:00:00Z')).toEqual(['2028-02-29T00:00'])
  expect(nextTimes('0 0 * * 7', '2026-01-01T00:00:00Z')).toEqual(['2026-01-04T00:00'])
})

test('a day of the month and a weekday are alternatives', () => {
  expect(nextTimes('0 0 13 * fri', '2026-01-01T00:00:00Z', { count: 3 })).toEqual([
    '2026-01-02T00:00',
    '2026-01-09T00:00',
    '2026-01-13T00:00',
  ])
})

test('short forms are known', () => {
  expect(nextTimes('@hourly', '2026-01-01T00:10:00Z')).toEqual(['2026-01-01T01:00'])
  expect(nextTimes('@every 1h30m', '2026-01-01T00:10:00Z')).toEqual(['2026-01-01T01:40'])
})

test('a time zone moves the schedule with its summer time', () => {
  const timeZone = 'Europe/Berlin'
  expect(nextTimes('0 12 * * *', '2026-03-28T00:00:00Z', { count: 2, timeZone })).toEqual([
    '2026-03-28T11:00',
    '2026-03-29T10:00',
  ])
})

test('text that is no schedule, a day that never comes and an unknown zone are told apart', () => {
  expect(() => scheduleOf('* * * *')).toThrow(ScheduleError)
  expect(() => scheduleOf('61 * * * *')).toThrow('between 0 and 59')
  expect(() => scheduleOf('* * * * *', 'Mars/Olympus')).toThrow('unknown time zone')
  expect(scheduleOf('0 0 30 2 *').next(new Date('2026-01-01T00:00:00Z'))).toBeUndefined()
})

const hourly = (spec: Partial<CronJob['spec']> = {}, lastScheduleTime?: string): CronJob => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: metaOf('backup'),
  spec: { schedule: '0 * * * *', jobTemplate: {}, ...spec },
  status: lastScheduleTime ? { lastScheduleTime } : {},
})
const dueAt = (cronJob: CronJob, now: string) => dueRunOf(cronJob, scheduleOf(cronJob.spec.schedule), new Date(now))

test('of several missed runs only the latest is made up for', () => {
  expect(dueAt(hourly({}, '2026-01-01T01:00:00Z'), '2026-01-01T04:30:00Z')).toMatchObject({
    time: new Date('2026-01-01T04:00:00Z'),
    isManyMissed: false,
    nextTime: new Date('2026-01-01T05:00:00Z'),
  })
  expect(dueAt(hourly({}, '2026-01-01T04:00:00Z'), '2026-01-01T04:30:00Z').time).toBeUndefined()
})

test('a deadline forgets what is older', () => {
  expect(dueAt(hourly({ startingDeadlineSeconds: 60 }), '2026-01-01T04:30:00Z').time).toBeUndefined()
  expect(dueAt(hourly({ startingDeadlineSeconds: 60 }), '2026-01-01T04:00:30Z').time).toBeDefined()
})

test('after years of silence the latest run is found, and the gap is told', () => {
  expect(dueAt(hourly(), '2028-06-01T04:30:00Z')).toMatchObject({
    time: new Date('2028-06-01T04:00:00Z'),
    isManyMissed: true,
  })
})
