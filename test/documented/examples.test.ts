import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeService } from '@potok/core/testing/services'
import { call } from '../../scripts/system/api.ts'
import { startPrivateSystem, type PrivateSystem } from '../../scripts/system/private-system.ts'
import { startReceiver } from '../../scripts/system/receiver.ts'
import { chromiumService, DESKTOP, openBrowser } from '../bot/chromium.ts'

interface Parameter {
  in: 'path' | 'query' | 'header'
  name: string
  example?: string | number | boolean
}
interface Shown {
  examples?: object[]
}
interface Media {
  schema: { anyOf?: Shown[] }
  example?: object
  examples?: Record<string, { value: object }>
}
interface Operation {
  parameters?: Parameter[]
  requestBody?: { content: Record<string, Media> }
}
type Paths = Record<string, Record<string, Operation>>

/** Things are made before they are read, and removed last. */
const METHODS = ['POST', 'GET', 'PUT', 'PATCH', 'DELETE'] as const
/** It never ends: its head is enough. */
const ENDLESS = '/api/v1/events/stream'
const MAX_SECRET = 'the-platform-knows-it'

let system: PrivateSystem
let receiver: Awaited<ReturnType<typeof startReceiver>>
beforeAll(async () => {
  receiver = await startReceiver()
  system = await startPrivateSystem({
    only: ['admin', 'state', 'gateway'],
    env: { MAX_BOT_WEBHOOK_SECRET: MAX_SECRET, THROTTLE_LIMIT: '1000' },
  })
}, 120_000)
afterAll(async () => {
  await system?.stop()
  await receiver?.close()
})

interface Sent {
  status: number
  text: string
}
interface Session {
  access_token: string
  refresh_token: string
}
/** What is read of answers here, each of which has some of it. */
interface Told extends Session {
  id: string
  items: { id: string; status: string; current: boolean }[]
  nextCursor: string
  paths: Paths
}

const ask = (token: string, method: string, path: string, json?: object) =>
  call<Told>(system.url('gateway') + path, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(json !== undefined && { json }),
  })

/** After it no session of the person is left. */
const ENDS_ALL = '/api/v1/auth/password'

/** What is answered, whatever its type; of what never ends the status alone. */
async function send(token: string, method: string, path: string, json?: object): Promise<Sent> {
  const leaving = new AbortController()
  const response = await fetch(system.url('gateway') + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'x-max-bot-api-secret': MAX_SECRET,
      ...(json !== undefined && { 'content-type': 'application/json' }),
    },
    body: json === undefined ? null : JSON.stringify(json),
    signal: leaving.signal,
  })
  const isEndless = path.startsWith(ENDLESS)
  const text = isEndless ? '' : await response.text()
  if (isEndless) leaving.abort()
  return { status: response.status, text }
}

async function open(): Promise<Session> {
  const credentials = { username: 'user', password: 'password' }
  return (await ask('', 'POST', '/api/v1/auth/login', credentials)).body
}

/** Whom the examples speak of, and a subscription with a delivery for ids that only a running system has. */
async function prepare(token: string) {
  const made = await ask(token, 'POST', '/api/v1/webhooks/subscriptions', {
    url: receiver.url,
    events: ['entity.created'],
  })
  expect(made.status).toBe(201)
  const subscription = made.body.id
  const online = { entityId: 'user_789', status: 'online' }
  expect((await ask(token, 'POST', '/api/v1/states/user', online)).status).toBe(201)
  const raised = await ask(token, 'POST', '/api/v1/states/task', {
    entityId: 'raised',
    status: 'created',
  })
  expect(raised.status).toBe(201)
  const path = `/api/v1/webhooks/subscriptions/${subscription}/deliveries`
  const delivery = await vi.waitFor(
    async () => {
      const { body } = await ask(token, 'GET', path)
      const [first] = body.items
      expect(first?.status).toBe('delivered')
      return first?.id ?? ''
    },
    { timeout: 15_000, interval: 50 },
  )
  const { body } = await ask(token, 'GET', '/api/v1/events')
  return { subscription, delivery, cursor: body.nextCursor }
}

/** @param known what stands for an id or a cursor that only the running system has, by the path before it or by name */
function urlsOf(path: string, { parameters = [] }: Operation, known: Record<string, string>) {
  const given = parameters.filter(({ example }) => example !== undefined)
  const url = path.replaceAll(/\{(\w+)\}/gu, (_match, name: string) => {
    const shown = given.find((one) => one.in === 'path' && one.name === name)?.example
    return encodeURIComponent(known[path.replace(/\{.*/u, '')] ?? String(shown))
  })
  const queries = given
    .filter((one) => one.in === 'query')
    .map(({ name, example }) => `?${name}=${encodeURIComponent(known[name] ?? String(example))}`)
  return ['', ...queries].map((query) => url + query)
}

/** Where no body is shown, it is empty. */
function bodiesOf({ requestBody }: Operation): (object | undefined)[] {
  const media = requestBody?.content['application/json']
  if (media === undefined) return [undefined]
  const { example, examples = {}, schema } = media
  return [
    ...(example === undefined ? [] : [example]),
    ...Object.values(examples).map(({ value }) => value),
    ...(schema.anyOf ?? []).flatMap((variant) => variant.examples ?? []),
  ]
}

test('every example of the composed document, sent as it stands, gets through the gateway what is promised', async () => {
  const { body: document } = await ask('', 'GET', '/api/docs/json')
  let session = await open()
  const spareToken = { refresh_token: (await open()).refresh_token }
  const sessions = await ask(session.access_token, 'GET', '/api/v1/auth/sessions')
  const { subscription, delivery, cursor } = await prepare(session.access_token)
  const known = {
    after: cursor,
    '/api/v1/webhooks/subscriptions/': subscription,
    '/api/v1/webhooks/deliveries/': delivery,
    '/api/v1/auth/sessions/': sessions.body.items.find(({ current }) => !current)?.id ?? '',
  }
  const silent: string[] = []
  const refused: string[] = []
  let sent = 0
  const { [ENDS_ALL]: last, ...others } = document.paths

  for (const method of METHODS) {
    for (const [path, operations] of Object.entries(others)) {
      const operation = operations[method.toLowerCase()]
      if (operation === undefined) continue
      const bodies = bodiesOf(operation)
      if (bodies.length === 0) silent.push(`${method} ${path}`)
      for (const url of urlsOf(path, operation, known)) {
        for (const body of bodies.length === 0 ? [spareToken] : bodies) {
          const { access_token: token } = session
          const { status, text } = await send(token, method, url, body)
          sent += 1
          if (status >= 300) refused.push(`${method} ${url} ${status} ${text}`)
          if (path.endsWith('/logout')) session = await open()
        }
      }
    }
  }

  const [change] = bodiesOf(last?.['post'] ?? {})
  expect((await send(session.access_token, 'POST', ENDS_ALL, change)).status).toBe(200)
  expect(refused).toEqual([])
  // A refresh token is good once: nobody can show one.
  expect(silent).toEqual(['POST /api/v1/auth/refresh'])
  expect(sent).toBeGreaterThan(70)
})

/** Sends what is open. @returns status and body as the page shows them */
async function execute(operation: Locator) {
  await operation.getByRole('button', { name: 'Execute' }).click()
  const answer = operation.locator('.live-responses-table tbody')
  return {
    status: await answer.locator('.response-col_status').first().innerText(),
    body: await answer.locator('.response-col_description .microlight').first().innerText(),
  }
}

describeService(chromiumService, 'the page of the docs', () => {
  test('sends nothing in the name of nobody, takes a token, and shows what the service behind answers', async () => {
    const browser = await openBrowser()
    try {
      const { page, errors } = await browser.open(`${system.url('gateway')}/api/docs`, DESKTOP)
      const operation = page.locator('[id$="-getStatesByEntity"]')
      // "Try it out" is on already.
      await operation.locator('.opblock-summary-control').click()
      expect(await execute(operation)).toMatchObject({
        status: expect.stringContaining('401') as string,
        body: expect.stringContaining('AUTH_TOKEN_MISSING') as string,
      })
      // The browser's own word for a 401.
      expect(errors.splice(0)).toEqual([expect.stringContaining('401')])

      await page.getByRole('button', { name: 'Authorize' }).click()
      await page.getByLabel('auth-bearer-value').fill((await open()).access_token)
      await page.getByRole('button', { name: 'Apply credentials' }).click()
      await page.getByRole('button', { name: 'Close', exact: true }).click()
      await operation.getByRole('button', { name: 'Clear' }).click()

      const { status, body } = await execute(operation)
      expect(status).toContain('200')
      expect(JSON.parse(body)).toHaveProperty('items')
      expect(errors).toEqual([])
    } finally {
      await browser.close()
    }
  })
})
