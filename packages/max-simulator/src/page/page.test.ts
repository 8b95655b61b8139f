import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildSimulator, type Simulator } from '../app.ts'

let simulator: Simulator

beforeAll(async () => {
  simulator = await buildSimulator()
})
afterAll(() => simulator.app.close())

test('the page says what it is, and runs nothing but its own modules', async () => {
  const response = await simulator.app.inject('/')
  expect(response.headers['content-type']).toBe('text/html; charset=utf-8')
  expect(response.body).toContain('Симулятор MAX')
  expect(response.body).toContain('Не настоящий MAX')
  expect(response.body).toContain('Для разработки, не сам MAX')
  expect(response.headers['content-security-policy']).toContain("script-src 'self'")
  expect(response.headers['content-security-policy']).not.toContain('unsafe')
  expect(response.body).not.toMatch(/<script(?![^>]*\bsrc="\/page\/main\.js")|\bon\w+=|style="/u)
})

test('everything that the page names is served, from here', async () => {
  const { body } = await simulator.app.inject('/')
  const wanted = [...body.matchAll(/(?:src|href)="(\/[^"]*)"/gu)].map(([, path]) => path ?? '')
  expect(wanted).toEqual(['/page/styles.css', '/page/main.js'])
  for (const path of wanted) {
    const { statusCode, body: text } = await simulator.app.inject(path)
    expect(statusCode).toBe(200)
    for (const [, module] of text.matchAll(/from '\.\/([^']+)'/gu)) wanted.push(`/page/${module}`)
    expect(text).not.toMatch(/https?:\/\/(?!\w+\.invalid)/u)
  }
  const files = await readdir(new URL('./client/', import.meta.url))
  expect(new Set(wanted.map((path) => path.slice('/page/'.length)))).toEqual(
    new Set([...files, 'styles.css']),
  )
})
