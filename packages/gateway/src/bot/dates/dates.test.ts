import { describe, expect, it } from 'vitest'
import { dueText, isTimeZone, momentOf, readDue, readDueAtStart, wallOf } from './index.ts'

const timeZone = 'Europe/Moscow'
/** Saturday, 21 November 2026, 15:30 in Moscow. */
const now = Date.parse('2026-11-21T12:30:00Z')
const moscow = (text: string): number => Date.parse(`${text}+03:00`)

describe('reading a date', () => {
  it.each([
    ['сегодня', '2026-11-21T23:59'],
    ['завтра', '2026-11-22T23:59'],
    ['завтра 18:00', '2026-11-22T18:00'],
    ['завтра в 18:00', '2026-11-22T18:00'],
    ['завтра в 6 вечера', '2026-11-22T18:00'],
    ['завтра в 9 утра', '2026-11-22T09:00'],
    ['Завтра утром', '2026-11-22T09:00'],
    ['послезавтра утром', '2026-11-23T09:00'],
    ['послезавтра вечером в 7', '2026-11-23T19:00'],
    ['в 18:00 завтра', '2026-11-22T18:00'],
    ['утром в понедельник', '2026-11-23T09:00'],
    ['в пятницу', '2026-11-27T23:59'],
    ['до пятницы', '2026-11-27T23:59'],
    ['к пятнице 12:00', '2026-11-27T12:00'],
    ['в субботу', '2026-11-28T23:59'],
    ['во вторник в 10 часов', '2026-11-24T10:00'],
    ['пн', '2026-11-23T23:59'],
    ['в следующую пятницу', '2026-11-27T23:59'],
    ['в следующее воскресенье', '2026-11-29T23:59'],
    ['в это воскресенье', '2026-11-22T23:59'],
    ['на следующей неделе', '2026-11-27T23:59'],
    ['до конца дня', '2026-11-21T23:59'],
    ['до конца недели', '2026-11-22T23:59'],
    ['до конца месяца', '2026-11-30T23:59'],
    ['25.11', '2026-11-25T23:59'],
    ['25.11 18:00', '2026-11-25T18:00'],
    ['25.11 в 9', '2026-11-25T09:00'],
    ['25/11/2026', '2026-11-25T23:59'],
    ['25.11.26', '2026-11-25T23:59'],
    ['2026-11-25', '2026-11-25T23:59'],
    ['15.01', '2027-01-15T23:59'],
    ['25 ноября', '2026-11-25T23:59'],
    ['25-го ноября', '2026-11-25T23:59'],
    ['3 декабря в 18:30', '2026-12-03T18:30'],
    ['3 дек. 2027 г.', '2027-12-03T23:59'],
    ['1 мая 2027 года', '2027-05-01T23:59'],
    ['25-го', '2026-11-25T23:59'],
    ['3 числа', '2026-12-03T23:59'],
    ['29.02.2028', '2028-02-29T23:59'],
    ['через 2 часа', '2026-11-21T17:30'],
    ['через час', '2026-11-21T16:30'],
    ['через полчаса', '2026-11-21T16:00'],
    ['через полтора часа', '2026-11-21T17:00'],
    ['через 45 минут', '2026-11-21T16:15'],
    ['через 45мин', '2026-11-21T16:15'],
    ['через день', '2026-11-22T23:59'],
    ['через 3 дня', '2026-11-24T23:59'],
    ['через три дня в 12:00', '2026-11-24T12:00'],
    ['через пару дней', '2026-11-23T23:59'],
    ['через неделю', '2026-11-28T23:59'],
    ['через две недели', '2026-12-05T23:59'],
    ['через месяц', '2026-12-21T23:59'],
    ['в 18:00', '2026-11-21T18:00'],
    ['18.30', '2026-11-21T18:30'],
    ['в 19', '2026-11-21T19:00'],
    ['вечером', '2026-11-21T19:00'],
    ['сегодня вечером', '2026-11-21T19:00'],
    ['в 9 утра', '2026-11-22T09:00'],
    ['к обеду', '2026-11-22T13:00'],
    ['tomorrow', '2026-11-22T23:59'],
    ['tomorrow at 6pm', '2026-11-22T18:00'],
    ['the day after tomorrow', '2026-11-23T23:59'],
    ['next friday', '2026-11-27T23:59'],
    ['in 2 hours', '2026-11-21T17:30'],
    ['in a week', '2026-11-28T23:59'],
    ['Nov 25', '2026-11-25T23:59'],
    ['25 November 10:00', '2026-11-25T10:00'],
  ])('«%s» is %s', (text, expected) => {
    const found = readDue(text, { now, timeZone })
    expect(found).toMatchObject({ at: moscow(expected), past: false })
  })

  it.each(['20.11', 'вчера', '20 ноября', '01.01.2020', 'сегодня в 10:00'])(
    'what is over is said to be past, or not known: «%s»',
    (text) => {
      const found = readDue(text, { now, timeZone })
      expect(found?.past ?? true).toBe(true)
    },
  )

  it.each(['20.11', '01.01.2020', 'сегодня в 10:00', 'сегодня утром'])('«%s» is past', (text) => {
    expect(readDue(text, { now, timeZone })).toMatchObject({ past: true })
  })

  it.each([
    '',
    'привет',
    '31.02',
    '32.01',
    '25.13',
    '25',
    '5',
    'завтра куплю хлеб',
    'через',
    'через 99999 лет',
    'через 9999 месяцев',
    '24:00',
    'в 25',
    '12:60',
    '29.02.2027',
    'один два три четыре пять шесть семь восемь девять',
  ])('«%s» is no date', (text) => {
    expect(readDue(text, { now, timeZone })).toBeUndefined()
  })

  it('is read in the time zone of who wrote it', () => {
    // In Vladivostok it is already the 21st, 22:30.
    const found = readDue('завтра 9:00', { now, timeZone: 'Asia/Vladivostok' })
    expect(found?.at).toBe(Date.parse('2026-11-22T09:00+10:00'))
  })

  it('takes the longest date at the start of a text and leaves the rest', () => {
    expect(readDueAtStart('25.11 18:00 позвонить Анне', { now, timeZone })).toMatchObject({
      at: moscow('2026-11-25T18:00'),
      used: 2,
    })
    expect(readDueAtStart('завтра купить хлеб', { now, timeZone })).toMatchObject({ used: 1 })
    expect(readDueAtStart('банка дойти', { now, timeZone })).toBeUndefined()
  })
})

describe('time zones', () => {
  it('a time in the gap of a clock change is moved behind it, a doubled one is the first', () => {
    const berlin = 'Europe/Berlin'
    const gap = momentOf({ year: 2026, month: 3, day: 29, hour: 2, minute: 30 }, berlin)
    expect(new Date(gap).toISOString()).toBe('2026-03-29T01:30:00.000Z')
    const doubled = momentOf({ year: 2026, month: 10, day: 25, hour: 2, minute: 30 }, berlin)
    expect(new Date(doubled).toISOString()).toBe('2026-10-25T00:30:00.000Z')
  })

  it('wall time and moment are each other’s inverse, around every hour of a year', () => {
    for (const zone of ['Europe/Moscow', 'Asia/Kolkata', 'Pacific/Auckland', 'America/New_York']) {
      for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2027, 0, 1); at += 13 * 3_600_000) {
        const wall = wallOf(at, zone)
        expect(wallOf(momentOf(wall, zone), zone)).toEqual(wall)
      }
    }
  })

  it('knows zones from nonsense', () => {
    expect(isTimeZone('Europe/Moscow')).toBe(true)
    expect(isTimeZone('Europe/Nowhere')).toBe(false)
  })
})

describe('showing a deadline', () => {
  const words = { today: 'сегодня', tomorrow: 'завтра', yesterday: 'вчера' }
  const shown = (text: string): string =>
    dueText(moscow(text), { now, timeZone, locale: 'ru', words })

  it('names near days, leaves out the end of the day and the present year', () => {
    expect(shown('2026-11-21T18:00')).toBe('сегодня, 18:00')
    expect(shown('2026-11-22T23:59')).toBe('завтра')
    expect(shown('2026-11-20T09:05')).toBe('вчера, 09:05')
    expect(shown('2026-11-27T18:00')).toBe('пт, 27 ноября, 18:00')
    expect(shown('2027-01-15T23:59')).toBe('пт, 15 января 2027 г.')
  })
})
