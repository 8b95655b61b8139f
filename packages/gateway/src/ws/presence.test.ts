import { expect, onTestFinished, test } from 'vitest'
import { fastify } from 'fastify'
import { createHttpClient } from '@potok/core/http-client'
import { presenceRoutes, type TestPresence } from '../testing/presence-routes.ts'
import { startGateway } from '../testing/gateway.ts'
import { openSocket, tokenOf } from '../testing/sockets.ts'
import { startStateService } from '../testing/state-service.ts'
import { Presence } from './presence.ts'

/** Signs of life that one replica has under way. */
const AT_ONCE = 4

/** Presence of one replica over a state service, with a clock of its own. */
async function start() {
  const people = new Map<string, TestPresence>()
  const asked: string[] = []
  const app = fastify()
  let isAway = false
  let open = 0
  let mostOpen = 0
  let answering = Promise.resolve()
  app.addHook('onRequest', async (_request, reply) => {
    open += 1
    mostOpen = Math.max(mostOpen, open)
    await answering
    if (isAway) await reply.code(503).send({})
  })
  app.addHook('onSend', async () => void (open -= 1))
  presenceRoutes(app, people, asked)
  onTestFinished(() => app.close())
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  const state = createHttpClient({ name: 'state', origin, log: app.log, maxRetries: 0 })
  onTestFinished(() => state.close())
  let now = 0
  const outcomes: string[] = []
  const replica = () => {
    const presence = new Presence({
      state,
      log: app.log,
      beatMs: 30_000,
      retryMs: 5000,
      atOnce: AT_ONCE,
      beaten: (outcome) => outcomes.push(outcome),
      now: () => now,
    })
    presence.start()
    onTestFinished(() => presence.close())
    return presence
  }
  return {
    people,
    asked,
    outcomes,
    replica,
    /** The most requests that were open at the same time. */
    mostOpen: () => mostOpen,
    /** No answers from now on. @returns how to let them go */
    hold: (): (() => void) => {
      let letGo = (): void => undefined
      answering = new Promise((resolve) => (letGo = resolve))
      return letGo
    },
    /** Time goes on, and whatever is due is done. */
    pass: async (ms: number, count: number): Promise<void> => {
      const before = outcomes.length
      now += ms
      await expect.poll(() => outcomes.length - before).toBe(count)
    },
    setAway: (away: boolean): void => void (isAway = away),
  }
}

test('a person who comes is online, in their own name, and stays so by one sign of life a time', async () => {
  const { people, asked, outcomes, replica, pass } = await start()
  const presence = replica()

  presence.arrive('u1')
  await expect.poll(() => outcomes).toEqual(['online'])
  await pass(29_999, 0)
  await pass(1, 1)

  expect(people.get('u1')).toMatchObject({ status: 'online', updatedBy: 'user:u1', version: 1 })
  expect(asked).toEqual([
    'user:u1 POST /api/v1/states/user/u1/heartbeat',
    'user:u1 POST /api/v1/states/user',
    'user:u1 POST /api/v1/states/user/u1/heartbeat',
  ])
})

test('whoever is busy by their own choice stays busy', async () => {
  const { people, outcomes, replica, pass } = await start()
  people.set('u1', { status: 'busy', version: 4, updatedBy: 'user:u1' })
  const presence = replica()

  presence.arrive('u1')
  await expect.poll(() => outcomes).toEqual(['renewed'])
  await pass(30_000, 1)

  expect(outcomes).toEqual(['renewed', 'renewed'])
  expect(people.get('u1')).toMatchObject({ status: 'busy', version: 4 })
})

test('who comes is online, whatever they said when they left; who says offline while here stays so', async () => {
  const { people, outcomes, replica, pass } = await start()
  people.set('u1', { status: 'offline', version: 2, updatedBy: 'user:u1' })
  const presence = replica()
  presence.arrive('u1')
  await expect.poll(() => outcomes).toEqual(['online'])
  expect(people.get('u1')).toMatchObject({ status: 'online', version: 3 })

  people.set('u1', { status: 'offline', version: 4, updatedBy: 'user:u1' })
  await pass(30_000, 1)

  expect(outcomes).toEqual(['online', 'kept'])
  expect(people.get('u1')).toMatchObject({ status: 'offline', version: 4 })
})

test('who expired while the state service was away is online again', async () => {
  const { people, outcomes, replica, pass, setAway } = await start()
  const presence = replica()
  presence.arrive('u1')
  await expect.poll(() => outcomes).toEqual(['online'])
  setAway(true)
  await pass(30_000, 1)
  people.set('u1', { status: 'offline', version: 2, updatedBy: 'system:ttl' })
  setAway(false)

  await pass(5000, 1)

  expect(outcomes).toEqual(['online', 'failed', 'online'])
  expect(people.get('u1')).toMatchObject({ status: 'online', version: 3 })
})

test('for who has gone no sign of life is given, by any replica that they left', async () => {
  const { asked, outcomes, replica, pass } = await start()
  const [one, two] = [replica(), replica()]
  one.arrive('u1')
  two.arrive('u1')
  await expect.poll(() => outcomes).toHaveLength(2)

  one.leave('u1')
  await pass(30_000, 1)
  two.leave('u1')
  const before = asked.filter((line) => line.startsWith('user:u1')).length
  two.arrive('u2')
  await expect.poll(() => outcomes).toHaveLength(4)
  await pass(90_000, 1)

  expect(asked.filter((line) => line.startsWith('user:u1'))).toHaveLength(before)
})

test('a crowd that comes at once is told a few at a time', async () => {
  const { people, outcomes, replica, mostOpen, hold } = await start()
  const presence = replica()
  const letGo = hold()

  for (let n = 0; n < 100; n += 1) presence.arrive(`u${n}`)
  await expect.poll(mostOpen).toBe(AT_ONCE)
  letGo()

  await expect.poll(() => outcomes).toHaveLength(100)
  expect(people.size).toBe(100)
  expect(mostOpen()).toBe(AT_ONCE)
})

test('many sockets of a person are one presence, which begins with the token', async () => {
  const state = await startStateService()
  const gateway = await startGateway({ STATE_SERVICE_URL: state.url })
  const stranger = openSocket(gateway.url)
  await stranger.connected()
  const token = tokenOf(await gateway.as('member'))
  const clients = [1, 2, 3].map(() => openSocket(gateway.url, { token }))
  await Promise.all(clients.map((client) => client.connected()))

  await expect.poll(() => state.people.get('member')).toMatchObject({ status: 'online' })
  await stranger.socket.emitWithAck('authenticate', {
    token: tokenOf(await gateway.as('manager')),
  })

  await expect.poll(() => state.people.get('manager')).toMatchObject({ status: 'online' })
  expect(state.asked.filter((line) => line.startsWith('user:member'))).toHaveLength(2)
})
