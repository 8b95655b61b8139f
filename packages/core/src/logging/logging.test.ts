import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { createLogger } from './index.ts'

function record() {
  const lines: string[] = []
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  const logger = createLogger(
    { APP_NAME: 'test', LOG_LEVEL: 'debug', LOG_FORMAT: 'json' },
    destination,
  )
  return { logger, lines }
}

test('an error is told by its name, message, stack, code and cause, and by nothing that a library hung on it', () => {
  const { logger, lines } = record()
  const cause = Object.assign(new Error('refused'), {
    code: 'WRONGPASS',
    command: { args: ['AUTH', 'S3cret'] },
  })

  logger.warn(
    { err: Object.assign(new Error('no login', { cause }), { config: { password: 'S3cret' } }) },
    'failed',
  )

  expect(lines.join('')).not.toContain('S3cret')
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'warn',
    service: 'test',
    message: 'failed',
    err: { type: 'Error', message: 'no login', cause: { message: 'refused', code: 'WRONGPASS' } },
  })
})

test('secrets are redacted by the name of their field', () => {
  const { logger, lines } = record()

  logger.info(
    {
      'x-api-key': 'S3cret',
      password: 'S3cret',
      body: { newPassword: 'S3cret', refresh_token: 'S3cret' },
    },
    'x',
  )

  expect(lines.join('')).not.toContain('"refresh_token":"S3cret"')
  expect(lines.join('')).not.toContain('"password":"S3cret"')
  expect(lines.join('')).not.toContain('"x-api-key":"S3cret"')
  expect(lines.join('')).not.toContain('S3cret')
})

test('secrets are redacted however deep they lie, and whatever the case of their name', () => {
  const { logger, lines } = record()
  const hung = Object.assign(new Error('no'), { config: { Authorization: 'S3cret' } })

  logger.info(
    {
      attempts: [{ sent: { headers: { 'X-Api-Key': 'S3cret' } } }],
      about: { Cookie: 'S3cret' },
      hung,
    },
    'x',
  )
  logger.child({ token: 'S3cret' }).info('y')

  expect(lines.join('')).not.toContain('S3cret')
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    attempts: [{ sent: { headers: '[redacted]' } }],
    about: { Cookie: '[redacted]' },
    hung: { config: { Authorization: '[redacted]' } },
  })
})

test('what has no secret is told as it is, and not changed', () => {
  const { logger, lines } = record()
  const at = new Date(0)
  const fields = { at, list: [1, { a: null }], nothing: undefined, deep: { b: { c: 'd' } } }

  logger.info(fields, 'x')

  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    at: at.toISOString(),
    list: [1, { a: null }],
    deep: { b: { c: 'd' } },
  })
  expect(fields).toEqual({ at, list: [1, { a: null }], deep: { b: { c: 'd' } } })
})

test('an object of a class is told by its name: nobody knows what hangs on it', () => {
  const { logger, lines } = record()
  class Client {
    options = { auth: 'S3cret' }
  }

  logger.info({ client: new Client() }, 'x')

  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ client: '[Client]' })
})
