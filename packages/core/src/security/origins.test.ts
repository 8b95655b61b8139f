import { expect, test } from 'vitest'
import { originsOf } from './index.ts'

test('origins are split, cut to the origin and told once', () => {
  expect(
    originsOf('https://a.example/path, http://b.example:8080', undefined, 'https://a.example'),
  ).toEqual(['https://a.example', 'http://b.example:8080'])
})

test.each(['localhost:5173', '*', 'admin.example.org'])('%s is named as no origin', (entry) => {
  expect(() => originsOf(entry)).toThrow(`CORS_ORIGINS: "${entry}" is no origin`)
})
