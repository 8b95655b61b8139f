import type { UserSettings } from '@potok/contracts/user'
import { momentOf, plusDays, wallOf } from './dates/index.ts'

/**
 * How long the quiet hours still last.
 * @param now epoch milliseconds
 * @returns milliseconds until they end; 0 when they are over or there are none
 */
export function quietFor(
  quietHours: UserSettings['quietHours'],
  now: number,
  timeZone: string,
): number {
  if (quietHours === undefined) return 0
  const wall = wallOf(now, timeZone)
  const minute = wall.hour * 60 + wall.minute
  const from = minutesOf(quietHours.from)
  const to = minutesOf(quietHours.to)
  const overMidnight = from > to
  const isQuiet = overMidnight ? minute >= from || minute < to : minute >= from && minute < to
  if (!isQuiet) return 0
  const endsToday = !overMidnight || minute < to
  const end = { ...plusDays(wall, endsToday ? 0 : 1), hour: Math.floor(to / 60), minute: to % 60 }
  return Math.max(0, momentOf(end, timeZone) - now)
}

function minutesOf(time: string): number {
  const [hour = '0', minute = '0'] = time.split(':')
  return Number(hour) * 60 + Number(minute)
}
