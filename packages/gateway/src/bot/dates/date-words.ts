import { BEFORE_DATE, DAYS, MONTHS, NUMBERS, unitOf, WEEKDAYS, type Unit } from './words.ts'
import {
  daysIn,
  plusDays,
  plusMonths,
  wallOf,
  weekdayOf,
  type DateContext,
  type Wall,
} from './zone.ts'

export interface DateReading {
  wall: Wall
  /** Index of the first word that is not part of it. */
  used: number
}

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** «через 1000 часов» is taken; beyond ten years it is a slip of the hand. */
const MOST_AHEAD_DAYS = 3660

const NUMERIC = /^(\d{1,2})[./](\d{1,2})(?:[./](\d{4}|\d{2}))?(?:г)?$/u
const ISO = /^(\d{4})-(\d{2})-(\d{2})$/u
const DAY_NUMBER = /^(\d{1,2})(?:-?(?:го|е|е|th|st|nd|rd))?$/u
const NEXT = /^(следующ(ий|ую|ее|ей|его|ем)|next)$/u
const THIS = /^(эт(от|у|о|ой|ого)|ближайш(ий|ую|ее|ей|его))$/u

/** Reads a calendar day that starts at word `from`. */
export function readDate(
  words: readonly string[],
  from: number,
  today: Wall,
): DateReading | undefined {
  const start = BEFORE_DATE.has(words[from] ?? '') ? from + 1 : from
  return (
    readNamedDay(words, start, today) ??
    readEndOf(words, start, today) ??
    readWeekday(words, start, today) ??
    readNumeric(words, start, today) ??
    readDayOfMonth(words, start, today)
  )
}

function readNamedDay(words: readonly string[], index: number, today: Wall) {
  const days = DAYS.get(words[index] ?? '')
  if (days !== undefined) return { wall: plusDays(today, days), used: index + 1 }
  const english = words.slice(index, index + 3).join(' ')
  return english === 'day after tomorrow'
    ? { wall: plusDays(today, 2), used: index + 3 }
    : undefined
}

/** «конца недели», «конца месяца», «на следующей неделе» (its Friday). */
function readEndOf(words: readonly string[], index: number, today: Wall): DateReading | undefined {
  const phrase = words.slice(index, index + 2)
  const weekday = weekdayOf(today)
  if (/^(конца|концу|конце|end)$/u.test(phrase[0] ?? '')) {
    if (/^(дня|day)$/u.test(phrase[1] ?? '')) return { wall: today, used: index + 2 }
    if (/^(недели|week)$/u.test(phrase[1] ?? '')) {
      return { wall: plusDays(today, 7 - weekday), used: index + 2 }
    }
    if (/^(месяца|month)$/u.test(phrase[1] ?? '')) {
      const day = daysIn(today.year, today.month)
      return { wall: { ...today, day }, used: index + 2 }
    }
  }
  if (NEXT.test(phrase[0] ?? '') && /^(неделе|недели|неделю|week)$/u.test(phrase[1] ?? '')) {
    return { wall: plusDays(today, 12 - weekday), used: index + 2 }
  }
  return undefined
}

/** The next such day; «следующую» is of the coming calendar week, «эту» of the present one. */
function readWeekday(words: readonly string[], index: number, today: Wall) {
  const first = words[index] ?? ''
  const next = NEXT.test(first)
  const present = THIS.test(first)
  const at = next || present ? index + 1 : index
  const wanted = WEEKDAYS.get(words[at] ?? '')
  if (wanted === undefined) return undefined
  const weekday = weekdayOf(today)
  const ahead = (wanted - weekday + 7) % 7
  const days = next ? wanted - weekday + 7 : present || ahead > 0 ? ahead : 7
  return { wall: plusDays(today, days), used: at + 1 }
}

function readNumeric(words: readonly string[], index: number, today: Wall) {
  const word = words[index] ?? ''
  const iso = ISO.exec(word)
  if (iso !== null) {
    return dayReading(Number(iso[3]), Number(iso[2]), Number(iso[1]), today, index + 1)
  }
  const match = NUMERIC.exec(word)
  if (match === null) return undefined
  return dayReading(Number(match[1]), Number(match[2]), yearOf(match[3]), today, index + 1)
}

/** «25 ноября», «25 ноября 2027 года», «25-го», «25 числа», «Nov 25». */
function readDayOfMonth(words: readonly string[], index: number, today: Wall) {
  const monthFirst = MONTHS.get(words[index] ?? '')
  const day = DAY_NUMBER.exec(words[monthFirst === undefined ? index : index + 1] ?? '')
  if (day === null) return undefined
  const month = monthFirst ?? MONTHS.get(words[index + 1] ?? '')
  if (month === undefined) return readDayAlone(words, index, Number(day[1]), today)
  const yearWord = /^(\d{4})(?:г)?$/u.exec(words[index + 2] ?? '')
  const used = index + 2 + (yearWord === null ? 0 : 1)
  const spoken = yearWord !== null && /^(г|год|года)$/u.test(words[used] ?? '')
  return dayReading(Number(day[1]), month, yearOf(yearWord?.[1]), today, used + (spoken ? 1 : 0))
}

/** «25-го», «25 числа»: of this month, or of the next when it is over. */
function readDayAlone(words: readonly string[], index: number, day: number, today: Wall) {
  const marked = /\d-?(го|е|th|st|nd|rd)$/u.test(words[index] ?? '')
  const number = words[index + 1] === 'числа'
  if (!marked && !number) return undefined
  const month = day >= today.day ? today : plusMonths({ ...today, day: 1 }, 1)
  const used = index + (number ? 2 : 1)
  return dayReading(day, month.month, month.year, today, used)
}

function yearOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  return text.length === 2 ? 2000 + Number(text) : Number(text)
}

/** Without a year it is the year that brings the day nearest: «15.01» in December is ahead, «20.11» next day is over. */
function dayReading(
  day: number,
  month: number,
  year: number | undefined,
  today: Wall,
  used: number,
): DateReading | undefined {
  if (month < 1 || month > 12 || day < 1) return undefined
  const distance = (candidate: number): number =>
    Math.abs(Date.UTC(candidate, month - 1, day) - Date.UTC(today.year, today.month - 1, today.day))
  const years = [today.year - 1, today.year, today.year + 1].filter(
    (candidate) => day <= daysIn(candidate, month),
  )
  const nearest = years.toSorted((a, b) => distance(a) - distance(b))[0]
  const chosen = year ?? nearest
  if (chosen === undefined || day > daysIn(chosen, month)) return undefined
  return { wall: { ...today, year: chosen, month, day }, used }
}

/**
 * Reads «через …», «in …». Minutes and hours give a moment (`at`), longer spans a day whose time may follow.
 */
export function readRelative(
  words: readonly string[],
  { now, timeZone }: DateContext,
): { at: number; day?: never; used: number } | { at?: never; day: Wall; used: number } | undefined {
  if (words[0] !== 'через' && words[0] !== 'in') return undefined
  const span = readSpan(words)
  if (span === undefined) return undefined
  const { amount, unit, used } = span
  const days = { minute: 1 / 1440, hour: 1 / 24, day: 1, week: 7, month: 31 }[unit] * amount
  if (days > MOST_AHEAD_DAYS) return undefined
  if (unit === 'minute') return { at: now + amount * MINUTE_MS, used }
  if (unit === 'hour') return { at: now + amount * HOUR_MS, used }
  const today = wallOf(now, timeZone)
  if (unit === 'month') return { day: plusMonths(today, Math.round(amount)), used }
  return { day: plusDays(today, Math.round(amount * (unit === 'week' ? 7 : 1))), used }
}

function readSpan(
  words: readonly string[],
): { amount: number; unit: Unit; used: number } | undefined {
  const first = words[1] ?? ''
  if (first === 'полчаса') return { amount: 0.5, unit: 'hour', used: 2 }
  const bare = unitOf(first)
  if (bare !== undefined) return { amount: 1, unit: bare, used: 2 }
  const glued = /^(\d{1,4})(\p{L}+)$/u.exec(first)
  const amount = numberOf(glued?.[1] ?? first)
  const unit = unitOf(glued?.[2] ?? words[2])
  if (amount === undefined || unit === undefined) return undefined
  return { amount, unit, used: glued === null ? 3 : 2 }
}

function numberOf(word: string): number | undefined {
  if (/^\d{1,4}([.,]5)?$/u.test(word)) return Number(word.replace(',', '.'))
  return NUMBERS.get(word)
}
