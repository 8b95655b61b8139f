import { expect, test } from 'vitest'
import { startGateway, startService } from '../testing/gateway.ts'

const HOST = 'Host: gateway.test'

test.each([
  ['two hosts', ['Host: a', 'Host: b'], 'HTTP_HOST_INVALID'],
  ['two equal hosts', [HOST, HOST], 'HTTP_HOST_INVALID'],
  ['a list of hosts', ['Host: a, b'], 'HTTP_HOST_INVALID'],
  ['a user in the host', ['Host: user@a'], 'HTTP_HOST_INVALID'],
  ['a path in the host', ['Host: a/b'], 'HTTP_HOST_INVALID'],
  ['an empty host', ['Host:'], 'HTTP_HOST_INVALID'],
  ['a scheme in the host', ['Host: http://a'], 'HTTP_HOST_INVALID'],
  ['a port that is none', ['Host: a:b'], 'HTTP_HOST_INVALID'],
  ['a body in a GET', [HOST, 'Content-Length: 5'], 'HTTP_BODY_UNEXPECTED'],
  ['a chunked body in a GET', [HOST, 'Transfer-Encoding: chunked'], 'HTTP_BODY_UNEXPECTED'],
])('%s is a 400, and the connection is closed', async (_case, headers, code) => {
  const { raw } = await startGateway()

  const answer = await raw(
    `GET /api/v1/health/liveness HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`,
  )

  expect(answer).toMatch(/^HTTP\/1\.1 400 /u)
  expect(answer).toMatch(/^connection: close\r$/imu)
  expect(answer).toContain(`"code":"${code}"`)
})

test('header fields are counted, those that Node would hide included', async () => {
  const { raw } = await startGateway()
  const ask = (fields: string[]) =>
    raw(`GET /api/v1/health/liveness HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`)
  const many = (count: number) => Array.from({ length: count }, () => 'a:')

  expect(await ask([HOST, 'Connection: close', ...many(98)])).toMatch(/^HTTP\/1\.1 200 /u)
  for (const answer of [await ask([HOST, ...many(100)]), await ask([HOST, ...many(2200), HOST])]) {
    expect(answer).toMatch(/^HTTP\/1\.1 431 /u)
    expect(answer).toContain('"code":"HTTP_TOO_MANY_HEADERS"')
  }
})

test.each([
  'Host: gateway.test',
  'Host: gateway.test:3001',
  'Host: 127.0.0.1:3001',
  'Host: [::1]:3001',
  'Host: a_b.example.',
])('%s is fine', async (host) => {
  const { raw } = await startGateway()

  const answer = await raw(
    `GET /api/v1/health/liveness HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`,
  )

  expect(answer).toMatch(/^HTTP\/1\.1 200 /u)
})

test.each([
  '/api/v1/states/task%2ft1',
  '/api/v1/states/task%5Ct1',
  '/api/v1/states/task/t%00',
  '/api/v1/states/task/%2574',
  '/api/v1/states/task/../../admin/users',
  '/api/v1/states/task/%2e%2E/x',
  '/api/v1/states/./task',
  '/api/v1/states\\task',
  '/api/v1/states/task#/t1',
  '/api/v1/states/task/t%0D%0A1',
  'http://elsewhere/api/v1/health/liveness',
  '*',
])('the path %s is a 400, before anybody is asked who they are', async (path) => {
  const { raw } = await startGateway()

  const answer = await raw(`GET ${path} HTTP/1.1\r\n${HOST}\r\nConnection: close\r\n\r\n`)

  expect(answer).toMatch(/^HTTP\/1\.1 400 /u)
  expect(answer).toContain('application/problem+json')
})

test.each(['a..b', 'a...', 'a%20b', 'a%3Ab', '%D1%84'])('the id %s means one thing', async (id) => {
  const state = await startService((_request, response) => response.end('{}'))
  const { url, as } = await startGateway({ STATE_SERVICE_URL: state.url })

  const answer = await fetch(`${url}/api/v1/states/task/${id}`, { headers: await as('admin') })

  expect(answer.status).toBe(200)
  expect(state.requests[0]?.url).toBe(`/api/v1/states/task/${id}`)
})

test.each([
  ['two lengths', ['Content-Length: 2', 'Content-Length: 3']],
  ['length and chunks', ['Content-Length: 2', 'Transfer-Encoding: chunked']],
  ['an unknown coding', ['Transfer-Encoding: xchunked']],
  ['a coding twice', ['Transfer-Encoding: chunked, chunked']],
  ['a length that is none', ['Content-Length: +2']],
  ['space before the colon', ['Content-Length : 2']],
  ['a folded line', ['X-A: b\r\n c']],
])('what could smuggle a request is a 400: %s', async (_case, headers) => {
  const { raw } = await startGateway()

  const answer = await raw(
    `POST /api/v1/auth/login HTTP/1.1\r\n${HOST}\r\n${headers.join('\r\n')}\r\n\r\n{}`,
  )

  expect(answer).toMatch(/^HTTP\/1\.1 400 /u)
  expect(answer.match(/^HTTP\/1\.1 /gmu)).toHaveLength(1)
})

const H2C = [
  'Upgrade: h2c',
  'HTTP2-Settings: AAMAAABkAAQAAP__',
  'Connection: Upgrade, HTTP2-Settings',
]
const WEBSOCKET = [
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Connection: Upgrade',
]

test.each([
  ['HTTP/2', H2C],
  ['a WebSocket', WEBSOCKET],
])(
  'an offer of %s where there is none is answered as if it had not been made',
  async (_what, offer) => {
    // Longer than a socket server would wait before it hangs up.
    const state = await startService((request, response) => {
      setTimeout(() => response.end(JSON.stringify(request.headers)), 1200)
    })
    const { raw, as } = await startGateway({ STATE_SERVICE_URL: state.url })
    const { authorization } = await as('admin')

    const answer = await raw(
      `GET /api/v1/states/task HTTP/1.1\r\n${HOST}\r\nAuthorization: ${authorization}\r\n` +
        `${offer.join('\r\n')}, close\r\n\r\n`,
    )

    expect(answer).toMatch(/^HTTP\/1\.1 200 /u)
    expect(state.requests[0]?.headers).not.toHaveProperty('upgrade')
  },
)

test('after an offer that was ignored the connection goes on, and a body is read as the body', async () => {
  const { raw } = await startGateway()
  const body = '{"username":"member","password":"password of member"}'

  const answer = await raw(
    `POST /api/v1/auth/login HTTP/1.1\r\n${HOST}\r\n${H2C.join('\r\n')}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
      `GET /nowhere HTTP/1.1\r\n${HOST}\r\nConnection: close\r\n\r\n`,
  )

  expect(answer.match(/HTTP\/1\.1 \d+/gu)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404'])
  expect(answer).toContain('"access_token"')
})

test('an offer behind a request that is not answered yet ends the connection', async () => {
  const { raw } = await startGateway()
  const ask = (lines: string[]) =>
    `GET /api/v1/health HTTP/1.1\r\n${[HOST, ...lines].join('\r\n')}\r\n\r\n`

  const answer = await raw(ask([]) + ask(H2C))

  expect(answer).toBe('')
})
