import { END_OF_DAY, plusDays, wallOf, type Wall } from './zone.ts'

interface DueTextOptions {
  now: number
  timeZone: string
  locale: 'ru' | 'en'
  words: { today: string; tomorrow: string; yesterday: string }
}

const sameDay = (a: Wall, b: Wall): boolean =>
  a.year === b.year && a.month === b.month && a.day === b.day

/** A moment as one says it: «завтра, 18:00», «пт, 27 ноября», the year only when it is not this one. */
export function dueText(at: number, { now, timeZone, locale, words }: DueTextOptions): string {
  const due = wallOf(at, timeZone)
  const today = wallOf(now, timeZone)
  const isWholeDay = due.hour === END_OF_DAY.hour && due.minute === END_OF_DAY.minute
  const near = [
    [words.yesterday, -1],
    [words.today, 0],
    [words.tomorrow, 1],
  ] as const
  const named = near.find(([, days]) => sameDay(plusDays(today, days), due))?.[0]
  const day =
    named ??
    new Intl.DateTimeFormat(locale, {
      timeZone,
      weekday: 'short',
      day: 'numeric',
      month: 'long',
      ...(due.year === today.year ? {} : { year: 'numeric' }),
    }).format(at)
  if (isWholeDay) return day
  const time = new Intl.DateTimeFormat(locale, {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(at)
  return `${day}, ${time}`
}
