import { describe, expect, it } from 'vitest'
import { quietFor } from './quiet-hours.ts'

const timeZone = 'Europe/Moscow'
const at = (time: string): number => Date.parse(`2026-11-21T${time}:00+03:00`)
const MINUTE = 60_000

describe('quiet hours', () => {
  it('over midnight last until the morning', () => {
    const night = { from: '22:00', to: '08:00' }
    expect(quietFor(night, at('23:00'), timeZone)).toBe(9 * 60 * MINUTE)
    expect(quietFor(night, at('07:30'), timeZone)).toBe(30 * MINUTE)
    expect(quietFor(night, at('08:00'), timeZone)).toBe(0)
    expect(quietFor(night, at('21:59'), timeZone)).toBe(0)
    expect(quietFor(night, at('22:00'), timeZone)).toBe(10 * 60 * MINUTE)
  })

  it('within a day last until their end', () => {
    const noon = { from: '12:00', to: '13:30' }
    expect(quietFor(noon, at('12:30'), timeZone)).toBe(60 * MINUTE)
    expect(quietFor(noon, at('11:59'), timeZone)).toBe(0)
    expect(quietFor(noon, at('13:30'), timeZone)).toBe(0)
  })

  it('are of the time zone of the person', () => {
    const night = { from: '22:00', to: '08:00' }
    expect(quietFor(night, at('18:00'), 'Asia/Vladivostok')).toBe(7 * 60 * MINUTE)
  })

  it('that nobody set are none', () => {
    expect(quietFor(undefined, at('03:00'), timeZone)).toBe(0)
  })
})
