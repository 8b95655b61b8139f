import { AFTER_NOON, BEFORE_DATE, BEFORE_NOON, DAY_PARTS } from './words.ts'

export interface TimeReading {
  hour: number
  minute: number
  /** Index of the first word that is not part of it. */
  used: number
}

const CLOCK = /^(\d{1,2})[:.-](\d{2})$/u
const HOUR = /^(\d{1,2})(ч|h|am|pm)?$/u

/** Reads a time of day that starts at word `from`: «18:00», «в 6 вечера», «утром», «к обеду», «в 18 часов». */
export function readTime(words: readonly string[], from: number): TimeReading | undefined {
  const preposition = BEFORE_DATE.has(words[from] ?? '')
  const start = preposition ? from + 1 : from
  return readClock(words, start) ?? readDayPart(words, start) ?? readHour(words, start, preposition)
}

function readClock(words: readonly string[], index: number): TimeReading | undefined {
  const match = CLOCK.exec(words[index] ?? '')
  if (match === null) return undefined
  const hour = Number(match[1])
  const minute = Number(match[2])
  if (hour > 23 || minute > 59) return undefined
  const half = words[index + 1] ?? ''
  if (hour <= 12 && AFTER_NOON.has(half)) return { hour: (hour % 12) + 12, minute, used: index + 2 }
  if (hour <= 12 && BEFORE_NOON.has(half)) return { hour: hour % 12, minute, used: index + 2 }
  return { hour, minute, used: index + 1 }
}

function readDayPart(words: readonly string[], index: number): TimeReading | undefined {
  const word = words[index] ?? ''
  if (word === 'in' && words[index + 1] === 'the') return readDayPart(words, index + 2)
  const hour = DAY_PARTS.get(word)
  if (hour === undefined) return undefined
  // «вечером в 7»: the part of the day says which half the hour is in.
  const exact = readTime(words, index + 1)
  if (exact === undefined) return { hour, minute: 0, used: index + 1 }
  const isLate = hour > 12 && exact.hour < 12
  return { ...exact, hour: isLate ? exact.hour + 12 : exact.hour }
}

/** A bare number is an hour only after a preposition or before a word that says so. */
function readHour(
  words: readonly string[],
  index: number,
  preposition: boolean,
): TimeReading | undefined {
  const match = HOUR.exec(words[index] ?? '')
  if (match === null) return undefined
  const hour = Number(match[1])
  const glued = match[2]
  const next = words[index + 1] ?? ''
  const hours = /^(час|часа|часов|ч)$/u.test(next)
  const half = glued ?? (hours ? (words[index + 2] ?? '') : next)
  const named = AFTER_NOON.has(half) || BEFORE_NOON.has(half)
  if (!preposition && glued === undefined && !hours && !named) return undefined
  if (hour > 23 || (named && hour > 12)) return undefined
  const used = index + 1 + (hours ? 1 : 0) + (named && glued === undefined ? 1 : 0)
  if (AFTER_NOON.has(half)) return { hour: (hour % 12) + 12, minute: 0, used }
  if (BEFORE_NOON.has(half)) return { hour: hour % 12, minute: 0, used }
  return { hour, minute: 0, used }
}
