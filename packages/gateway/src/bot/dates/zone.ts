/** A moment as clock and calendar of a time zone show it. `month` is 1–12, `weekday` 1 (Monday) – 7. */
export interface Wall {
  year: number
  month: number
  day: number
  hour: number
  minute: number
}

/** When and where something was written. */
export interface DateContext {
  /** Epoch milliseconds. */
  now: number
  timeZone: string
}

/** A deadline without a time of day lasts until the end of the day; shown without time. */
export const END_OF_DAY = { hour: 23, minute: 59 } as const

const DAY_MS = 86_400_000

const formats = new Map<string, Intl.DateTimeFormat>()
/** Formats are costly to make; there are some 400 zones in the world. */
const FORMATS_KEPT = 512

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  if (formats.size >= FORMATS_KEPT) formats.clear()
  formats.set(timeZone, made)
  return made
}

/** Is this a time zone that can be used, such as `Europe/Moscow`? */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** @param at epoch milliseconds */
export function wallOf(at: number, timeZone: string): Wall {
  const wall: Wall = { year: 0, month: 0, day: 0, hour: 0, minute: 0 }
  for (const { type, value } of formatOf(timeZone).formatToParts(at)) {
    if (type in wall) Object.assign(wall, { [type]: Number(value) })
  }
  return wall
}

const asUtc = ({ year, month, day, hour, minute }: Wall): number =>
  Date.UTC(year, month - 1, day, hour, minute)

/**
 * The moment at which the zone's clocks show this time. Of two (clocks set back) the first; for one that does not
 * exist (clocks set forward) the moment as long after the gap.
 * @returns epoch milliseconds
 */
export function momentOf(wall: Wall, timeZone: string): number {
  const wanted = asUtc(wall)
  // The offset is asked for a day around: of the two answers at most one fits, except in a gap.
  const guesses = [wanted - DAY_MS, wanted + DAY_MS].map(
    (around) => wanted - (asUtc(wallOf(around, timeZone)) - around),
  )
  const fitting = guesses.filter((guess) => asUtc(wallOf(guess, timeZone)) === wanted)
  return fitting.length > 0 ? Math.min(...fitting) : Math.max(...guesses)
}

/** Calendar arithmetic: the same time of day, so many days later. */
export function plusDays(wall: Wall, days: number): Wall {
  const date = new Date(Date.UTC(wall.year, wall.month - 1, wall.day) + days * DAY_MS)
  return {
    ...wall,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
  }
}

/** The same day so many months later, or the last day of that month. */
export function plusMonths(wall: Wall, months: number): Wall {
  const index = wall.year * 12 + wall.month - 1 + months
  const year = Math.floor(index / 12)
  const month = (index % 12) + 1
  return { ...wall, year, month, day: Math.min(wall.day, daysIn(year, month)) }
}

export function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}

/** 1 is Monday. */
export function weekdayOf({ year, month, day }: Wall): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay() || 7
}
