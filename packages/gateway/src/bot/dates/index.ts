/**
 * Dates as people write them, in Russian («завтра 18:00», «в пятницу», «через 2 часа») and simple English, read in the
 * time zone of who wrote. Pure: now is an argument.
 */
import { readDate, readRelative, type DateReading } from './date-words.ts'
import { readTime, type TimeReading } from './time-words.ts'
import { END_OF_DAY, momentOf, plusDays, wallOf, type DateContext, type Wall } from './zone.ts'

export { isTimeZone, momentOf, plusDays, wallOf } from './zone.ts'
export type { DateContext } from './zone.ts'
export { dueText } from './format.ts'

/** `at`: epoch milliseconds. Past ones are read all the same: whoever asked must say so. */
export type DateResult = { at: number; past: boolean }

/** No phrase is longer. */
const MOST_WORDS = 8

/** Words as they are compared: lower case, without the points of `ё`, without what only separates. */
function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .replaceAll('ё', 'е')
    .split(/\s+/u)
    .map((word) => word.replace(/^[,;«("]+|[,;!?»)"]+$/gu, '').replace(/(?<=\p{L})\.$/u, ''))
    .filter((word) => word !== '')
}

/** Reads a whole text as a date; undefined when it is none, or when anything is left over. */
export function readDue(text: string, context: DateContext): DateResult | undefined {
  const words = wordsOf(text)
  const reading = words.length > MOST_WORDS ? undefined : readWords(words, context)
  return reading?.used === words.length ? reading : undefined
}

/**
 * Reads the longest date at the beginning of a text.
 * @returns the date and how many words (separated by white space) it took
 */
export function readDueAtStart(
  text: string,
  context: DateContext,
): (DateResult & { used: number }) | undefined {
  const words = text.trim().split(/\s+/u).slice(0, MOST_WORDS)
  for (let used = words.length; used > 0; used -= 1) {
    const found = readDue(words.slice(0, used).join(' '), context)
    if (found !== undefined) return { ...found, used }
  }
  return undefined
}

function readWords(
  words: readonly string[],
  context: DateContext,
): (DateResult & { used: number }) | undefined {
  const today = wallOf(context.now, context.timeZone)
  const relative = readRelative(words, context)
  if (relative !== undefined) {
    const { at, day, used } = relative
    if (at !== undefined) return { at, past: at <= context.now, used }
    return complete({ date: { wall: day, used }, time: readTime(words, used) }, context)
  }
  const date = readDate(words, 0, today)
  if (date !== undefined) {
    return complete({ date, time: readTime(words, date.used) }, context)
  }
  const time = readTime(words, 0)
  if (time === undefined) return undefined
  const after = readDate(words, time.used, today)
  return complete({ date: after, time }, context)
}

function complete(
  { date, time }: { date: DateReading | undefined; time: TimeReading | undefined },
  { now, timeZone }: DateContext,
): DateResult & { used: number } {
  const used = Math.max(date?.used ?? 0, time?.used ?? 0)
  const clock = time ?? END_OF_DAY
  const wall: Wall = {
    ...(date?.wall ?? wallOf(now, timeZone)),
    hour: clock.hour,
    minute: clock.minute,
  }
  const at = momentOf(wall, timeZone)
  // A time alone that is over today is tomorrow's.
  if (date === undefined && at <= now) {
    return { at: momentOf(plusDays(wall, 1), timeZone), past: false, used }
  }
  return { at, past: at <= now, used }
}

/** The end of the day so many days from now. */
export function endOfDayIn(days: number, { now, timeZone }: DateContext): number {
  return momentOf({ ...plusDays(wallOf(now, timeZone), days), ...END_OF_DAY }, timeZone)
}
