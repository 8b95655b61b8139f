import { assert, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTaskLine, shorten } from './task-line.ts'

const context = { now: Date.parse('2026-11-21T12:30:00Z'), timeZone: 'Europe/Moscow' }
const read = (text: string) => readTaskLine(text, context)

describe('the line after /new', () => {
  it('without marks is the title', () => {
    expect(read('Подготовить отчёт')).toEqual({ title: 'Подготовить отчёт', tags: [] })
  })

  it('has priority, assignee, deadline and tags anywhere', () => {
    const line = read('Отчёт !высокий для @anna до завтра 18:00 #финансы #q4, очень ждут')
    expect(line).toEqual({
      title: 'Отчёт для очень ждут',
      priority: 'high',
      assignee: { name: 'anna' },
      due: { at: Date.parse('2026-11-22T15:00:00Z'), past: false },
      tags: ['финансы', 'q4'],
    })
  })

  it.each([
    ['Отчёт до 25.11', 'Отчёт'],
    ['до пятницы сдать отчёт', 'сдать отчёт'],
    ['Отчёт до 25.11 18:00 срочно', 'Отчёт срочно'],
    ['Report by tomorrow', 'Report'],
  ])('takes the deadline out of «%s»', (text, title) => {
    const line = read(text)
    expect(line.title).toBe(title)
    expect(line.due?.past).toBe(false)
  })

  it('leaves what is not understood in the title', () => {
    expect(read('Дойти до банка')).toEqual({ title: 'Дойти до банка', tags: [] })
    expect(read('Купить !хлеб')).toEqual({ title: 'Купить !хлеб', tags: [] })
    expect(read('Почта a@b.ru')).toEqual({ title: 'Почта a@b.ru', tags: [] })
    expect(read('C# и F#')).toEqual({ title: 'C# и F#', tags: [] })
  })

  it('says when the deadline is past', () => {
    expect(read('Отчёт до 20.11').due).toMatchObject({ past: true })
  })

  it('the second line and further are the description', () => {
    const line = read('Отчёт #q4\nДля совета\nдо конца года')
    expect(line).toMatchObject({ title: 'Отчёт', description: 'Для совета\nдо конца года' })
  })

  it('a title that is too long is kept whole in the description', () => {
    const long = 'слово '.repeat(60).trim()
    const line = read(long)
    expect(line.title).toHaveLength(200)
    expect(line.description).toBe(long)
  })

  it('takes a mention by the platform as the assignee', () => {
    const text = 'Анна Петрова, сделать отчёт'
    const line = readTaskLine(text, {
      ...context,
      mentions: [{ from: 0, length: 12, maxUserId: 77 }],
    })
    expect(line.assignee).toEqual({ name: 'Анна Петрова', maxUserId: 77 })
    expect(line.title).toBe('сделать отчёт')
  })

  it('survives any text', () => {
    assert(
      property(string({ unit: 'binary', maxLength: 600 }), (text) => {
        const line = read(text)
        expect(line.title.length).toBeLessThanOrEqual(200)
        expect(line.tags.length).toBeLessThanOrEqual(32)
      }),
    )
  })
})

describe('shortening', () => {
  it('never halves a character', () => {
    expect(shorten('a😀b', 3)).toBe('a…')
    expect(shorten('a😀b', 4)).toBe('a😀b')
  })
})
