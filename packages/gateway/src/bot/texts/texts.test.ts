import { describe, expect, it } from 'vitest'
import { localeOf, textsIn } from './index.ts'

/** Every text of a catalogue, with its path. */
function leaves(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]]
  return Object.entries(value).flatMap(([key, member]) => leaves(member, `${path}.${key}`))
}

describe('the catalogues', () => {
  it('say the same things in both languages', () => {
    const paths = (locale: 'ru' | 'en') => leaves(textsIn(locale)).map(([path]) => path)
    expect(paths('en')).toEqual(paths('ru'))
  })

  it('leave nothing empty and nothing untranslated', () => {
    const texts = leaves(textsIn('en')).filter(([, text]) => typeof text === 'string')
    expect(texts.filter(([, text]) => text === '')).toEqual([])
    const russian = texts.filter(([, text]) => /[а-яё]/iu.test(String(text)))
    // The button that leads to Russian says so in Russian.
    expect(russian.map(([path]) => path)).toEqual(['.settings.buttons.language'])
  })

  it.each(['ru', 'en'] as const)('fit buttons in %s: what people press is short', (locale) => {
    const { buttons, actions, filters, presence } = textsIn(locale)
    const all = Object.values({ ...buttons, ...actions, ...filters, ...presence.labels })
    expect(all.filter((text) => text.length > 15)).toEqual([])
  })

  it('count as the language does', () => {
    const { tasks } = textsIn('ru')
    expect([1, 2, 5, 11, 21, 22, 25, 111].map(tasks)).toEqual([
      '1 задача',
      '2 задачи',
      '5 задач',
      '11 задач',
      '21 задача',
      '22 задачи',
      '25 задач',
      '111 задач',
    ])
    expect([1, 2].map(textsIn('en').tasks)).toEqual(['1 task', '2 tasks'])
  })

  it('are chosen by the language of the person', () => {
    expect([undefined, null, 'ru', 'de', 'en', 'en-US', 'EN'].map(localeOf)).toEqual([
      'ru',
      'ru',
      'ru',
      'ru',
      'en',
      'en',
      'en',
    ])
  })
})
