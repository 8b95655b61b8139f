import { expect, test } from 'vitest'
import { startGateway } from '../testing/gateway.ts'
import { openSocket, tokenOf } from '../testing/sockets.ts'
import { startStateService } from '../testing/state-service.ts'

async function start(env: Record<string, string> = {}) {
  const state = await startStateService()
  const gateway = await startGateway({ STATE_SERVICE_URL: state.url, ...env })
  const tokenFor = async (name: 'member' | 'manager' | 'admin') => tokenOf(await gateway.as(name))
  return { state, ...gateway, tokenFor }
}

test('a token in the handshake is enough to subscribe', async () => {
  const { url, tokenFor } = await start()
  const client = openSocket(url, { token: await tokenFor('member') })

  expect(await client.subscribe('tasks')).toMatchObject({ ok: true, recovered: false })
})

test('a token in band is as good, and without one nothing is answered but that', async () => {
  const { url, tokenFor } = await start()
  const client = openSocket(url)

  const before = await client.subscribe('tasks')
  const leaving = await client.socket.emitWithAck('unsubscribe', { channel: 'tasks' })
  const token = await tokenFor('member')
  const authenticated = await client.socket.emitWithAck('authenticate', { token })
  const after = await client.subscribe('tasks')

  for (const answer of [before, leaving]) {
    expect(answer).toMatchObject({ ok: false, error: { code: 'WS_AUTHENTICATION_REQUIRED' } })
  }
  expect(authenticated).toMatchObject({ ok: true, expiresAt: expect.any(String) as string })
  expect(after).toMatchObject({ ok: true })
})

test('who shows no token in time is closed with a code, and told to bring one', async () => {
  const { url } = await start({ WS_AUTHENTICATE_TIMEOUT_MS: '500' })
  const client = openSocket(url)

  await expect.poll(() => client.disconnects).toEqual(['io server disconnect'])

  expect(client.errors).toEqual([
    {
      code: 'WS_AUTHENTICATION_REQUIRED',
      message: expect.any(String) as string,
      reconnect: 'with_token',
    },
  ])
})

test.each([
  ['is no token', 'WS_TOKEN_INVALID', async () => 'not a token'],
  ['is of another issuer', 'WS_TOKEN_INVALID', async () => 'eyJhbGciOiJub25lIn0.e30.'],
])('a handshake whose token %s is refused with a code', async (_case, code, token) => {
  const { url } = await start()

  const client = openSocket(url, { token: await token() })

  await expect.poll(() => client.refusals).toEqual([code])
  expect(client.socket.active).toBe(false)
})

test('a token that expires closes the socket, and a newer one in time keeps it open', async () => {
  const { url, tokenFor } = await start({ JWT_EXPIRATION: '2s' })
  const first = await tokenFor('member')
  const renewing = openSocket(url, { token: first })
  const forgetful = openSocket(url, { token: first })
  await Promise.all([renewing.connected(), forgetful.connected()])

  // Expiry counts in whole seconds: only a token of the next one lives longer.
  let token = first
  const expiry = (text: string) => Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()
  await expect
    .poll(async () => expiry((token = await tokenFor('member'))).split('"exp":')[1])
    .not.toBe(expiry(first).split('"exp":')[1])
  const { expiresAt } = (await renewing.socket.emitWithAck('authenticate', { token })) as {
    expiresAt: string
  }
  await expect
    .poll(() => forgetful.errors, { timeout: 5000 })
    .toMatchObject([{ code: 'WS_TOKEN_EXPIRED', reconnect: 'with_token' }])

  expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now())
  expect(renewing.socket.connected).toBe(true)
  expect(forgetful.disconnects).toEqual(['io server disconnect'])
  const late = openSocket(url, { token: first })
  await expect.poll(() => late.refusals).toEqual(['WS_TOKEN_EXPIRED'])
})

test('a socket does not change its person', async () => {
  const { url, tokenFor } = await start()
  const client = openSocket(url, { token: await tokenFor('member') })
  await client.connected()

  const token = await tokenFor('admin')
  const answer = await client.socket.emitWithAck('authenticate', { token })

  expect(answer).toMatchObject({ ok: false, error: { code: 'WS_TOKEN_INVALID' } })
})

test('the end of a session closes its sockets at once, and its token opens none any more', async () => {
  const { url, as } = await start()
  const headers = await as('member')
  const other = openSocket(url, { token: tokenOf(await as('member')) })
  const client = openSocket(url, { token: tokenOf(headers) })
  await Promise.all([client.connected(), other.connected()])

  await fetch(`${url}/api/v1/auth/logout`, { method: 'POST', headers })

  await expect
    .poll(() => client.errors)
    .toMatchObject([{ code: 'WS_SESSION_ENDED', reconnect: 'with_token' }])
  expect(client.disconnects).toEqual(['io server disconnect'])
  const again = openSocket(url, { token: tokenOf(headers) })
  await expect.poll(() => again.refusals).toEqual(['WS_SESSION_ENDED'])
  expect(other.socket.connected).toBe(true)
})

test('browsers connect from known origins only, programs without one', async () => {
  const { url, tokenFor } = await start({ CORS_ORIGINS: 'https://dash.example' })
  const token = await tokenFor('member')

  const known = openSocket(url, { token, origin: 'https://dash.example' })
  const program = openSocket(url, { token })
  const foreign = openSocket(url, { token, origin: 'https://evil.example' })
  await Promise.all([known.connected(), program.connected()])

  await expect.poll(() => foreign.refusals[0]).toBe('websocket error')
  foreign.socket.close()
  expect(foreign.socket.connected).toBe(false)
})

test('when the gateway goes, clients are told so and come back by themselves', async () => {
  const { url, app, tokenFor } = await start()
  const client = openSocket(url, { token: await tokenFor('member') })
  await client.connected()

  await app.close()

  await expect.poll(() => client.disconnects).toEqual(['transport close'])
  expect(client.errors).toMatchObject([{ code: 'WS_SERVER_CLOSING', reconnect: 'now' }])
  expect(client.socket.active).toBe(true)
})

test('the metrics count sockets, and why they were refused or closed', async () => {
  const { url, as } = await start()
  const headers = await as('member')
  const client = openSocket(url, { token: tokenOf(headers) })
  await client.subscribe('tasks')
  const metrics = async () => (await fetch(`${url}/api/v1/metrics`)).text()
  expect(await metrics()).toMatch(/^websocket_connections_active 1$/mu)

  await fetch(`${url}/api/v1/auth/logout`, { method: 'POST', headers })
  await expect.poll(() => client.socket.connected).toBe(false)

  const text = await metrics()
  expect(text).toMatch(/^websocket_connections_active 0$/mu)
  expect(text).toMatch(/^websocket_connections_total 1$/mu)
  expect(text).toMatch(/^websocket_closed_total\{code="WS_SESSION_ENDED"\} 1$/mu)
  expect(text).toMatch(/^websocket_events_total\{event="subscribe"\} 1$/mu)
})
