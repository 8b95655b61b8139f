import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fastify } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import type { SubscriptionCreate } from '@potok/contracts/webhook'
import { sign, withSignature } from '@potok/contracts/webhook-signature'
import { createHttpClient } from '@potok/core/http-client'
import { startGateway } from '../testing/gateway.ts'
import { openSocket, tokenOf } from '../testing/sockets.ts'
import { createSubscription } from './subscription.ts'

/** A state service as far as subscriptions go. */
async function startRegistry() {
  const asked: { method: string; path: string; body: unknown }[] = []
  const subscription = { active: true, dead: 0, pending: 0, isThere: true, longestMs: 30_000 }
  let given: SubscriptionCreate | undefined
  const app = fastify({ forceCloseConnections: true })
  app.addHook('preHandler', async ({ method, url, body }) => {
    if (url.startsWith('/api/v1/webhooks')) asked.push({ method, path: url, body })
  })
  const view = () => ({
    id: 'sub_1',
    url: given?.url,
    active: subscription.active,
    backlog: { dead: subscription.dead, pending: subscription.pending },
  })
  app.post<{ Body: SubscriptionCreate }>(
    '/api/v1/webhooks/subscriptions',
    async ({ body }, reply) => {
      if ((body.timeoutMs ?? 0) > subscription.longestMs)
        return reply.code(422).send({ code: 'WEBHOOKS_TIMEOUT_TOO_LONG' })
      given = body
      subscription.isThere = true
      return reply.code(201).send(view())
    },
  )
  app.patch('/api/v1/webhooks/subscriptions/sub_1', async () => {
    subscription.active = true
    return view()
  })
  app.post('/api/v1/webhooks/subscriptions/sub_1/replay', async (_request, reply) => {
    subscription.dead = 0
    return reply.code(202).send({})
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => app.close())
  return {
    url,
    asked,
    subscription,
    secret: (): string => given?.secret ?? '',
    given: () => given,
    close: () => app.close(),
  }
}

async function start(env: Record<string, string> = {}) {
  const registry = await startRegistry()
  const gateway = await startGateway({ STATE_SERVICE_URL: registry.url, ...env })
  await expect.poll(() => registry.given()).toBeDefined()
  const deliver = async (payload: object, secret = registry.secret()) => {
    const unsigned = JSON.stringify(payload)
    const signature = sign(unsigned, secret)
    const answer = await fetch(`${gateway.url}/api/v1/internal/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-webhook-signature': signature },
      body: withSignature(unsigned, signature),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  return { registry, deliver, ...gateway }
}

const header = { id: 'evt_1', timestamp: '2026-01-01T00:00:00.000Z' }
const change = {
  ...header,
  event: 'entity.created',
  data: {
    entity: 'task',
    id: 't1',
    previousStatus: null,
    newStatus: 'created',
    metadata: { title: 'Отчёт' },
    version: 1,
    actor: 'user:u1',
    reason: null,
    correlationId: 'c-1',
  },
}
const alert = {
  ...header,
  event: 'webhook.disabled',
  data: { subscriptionId: 'sub_9', url: 'https://example.org/hook', reason: '10 failures' },
}

test('the gateway subscribes itself to what people must be told', async () => {
  const { registry } = await start()

  expect(registry.asked).toHaveLength(1)
  expect(registry.given()).toMatchObject({
    externalId: 'gateway-notifier',
    url: expect.stringMatching(/\/api\/v1\/internal\/events$/u) as string,
    ordering: 'entity',
    filter: { entity: ['task'] },
    secret: expect.stringMatching(/^whsec_/u) as string,
  })
})

test('a delivery that is signed is taken, as often as it comes', async () => {
  const { deliver } = await start()

  expect(await deliver(change)).toEqual({ status: 200, body: { ok: true } })
  expect(await deliver(change)).toEqual({ status: 200, body: { ok: true } })
  expect(await deliver({ ...header, event: 'webhook.ping', data: {} })).toMatchObject({
    status: 200,
  })
})

test('a delivery of anybody else is refused', async () => {
  const { deliver, url } = await start()
  const bare = await fetch(`${url}/api/v1/internal/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(change),
  })

  expect(await deliver(change, 'another secret')).toMatchObject({
    status: 401,
    body: { code: 'NOTIFIER_SIGNATURE_WRONG' },
  })
  expect(bare.status).toBe(401)
})

test('what is signed and no delivery of ours is refused, so that somebody sees it', async () => {
  const { deliver } = await start()

  expect(await deliver({ ...header, event: 'entity.moved', data: {} })).toMatchObject({
    status: 400,
  })
})

test('administrators are told at the dashboard of a webhook that was given up, once', async () => {
  const { deliver, url, as } = await start()
  expect((await deliver(alert)).status).toBe(200)
  expect((await deliver(alert)).status).toBe(200)

  const admin = openSocket(url, { token: tokenOf(await as('admin')) })
  const member = openSocket(url, { token: tokenOf(await as('member')) })

  await expect
    .poll(() => admin.notifications)
    .toMatchObject([
      {
        level: 'error',
        title: 'Вебхук отключён',
        text: 'https://example.org/hook (sub_9): 10 failures',
      },
    ])
  await member.connected()
  expect(member.notifications).toEqual([])
})

test('a subscription that was deactivated is put right; what waits for a retry comes now, and what died meanwhile is sent again', async () => {
  const registry = await startRegistry()
  Object.assign(registry.subscription, { active: false, dead: 3, pending: 2 })
  await startGateway({ STATE_SERVICE_URL: registry.url })

  await expect
    .poll(() =>
      registry.asked.map(({ method, path }) => `${method} ${path.split('/').slice(4).join('/')}`),
    )
    .toEqual([
      'POST subscriptions',
      'PATCH subscriptions/sub_1',
      'POST subscriptions/sub_1/replay',
      'POST subscriptions/sub_1/replay',
    ])
  expect(registry.asked[1]?.body).toEqual({ active: true })
  expect(registry.asked[2]?.body).toMatchObject({ status: 'pending' })
  expect(registry.asked[3]?.body).toMatchObject({ status: 'dead' })
})

/** Looks after its subscription at a state service, and has begun to. */
function subscribeTo(origin: string) {
  const { log } = fastify()
  const state = createHttpClient({ name: 'state', origin, log })
  onTestFinished(() => state.close())
  const subscription = createSubscription({
    state,
    log,
    url: 'http://127.0.0.1:1/api/v1/internal/events',
    secret: 'whsec_c2VjcmV0c2VjcmV0',
    checkEveryMs: 20,
  })
  onTestFinished(() => subscription.close())
  subscription.start()
  return subscription
}

test('a subscription that somebody deletes or deactivates is put right at the next look', async () => {
  const registry = await startRegistry()
  const subscription = subscribeTo(registry.url)
  await expect.poll(() => subscription.registered()).toBe(true)

  registry.subscription.isThere = false
  await expect.poll(() => registry.subscription.isThere).toBe(true)
  registry.subscription.active = false
  await expect.poll(() => registry.subscription.active).toBe(true)
  await registry.close()
  await expect.poll(() => subscription.registered()).toBe(false)
})

test('a state service that lets no attempt take as long as ours is subscribed to all the same', async () => {
  const { url, given, subscription } = await startRegistry()
  subscription.longestMs = 5000
  const notifier = subscribeTo(url)

  await expect.poll(() => notifier.registered()).toBe(true)
  expect(given()).toMatchObject({ externalId: 'gateway-notifier' })
  expect(given()?.timeoutMs).toBeUndefined()
})

test('the secret stays over a restart: what is signed with it is on its way', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'potok-notifier-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const first = await start({ POTOK_DATA_DIR: directory })
  await first.app.close()

  const second = await start({ POTOK_DATA_DIR: directory })

  expect(second.registry.secret()).toBe(first.registry.secret())
  expect(await second.deliver(change, first.registry.secret())).toMatchObject({ status: 200 })
})
