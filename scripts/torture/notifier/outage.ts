import { setTimeout as pause } from 'node:timers/promises'
import type { Subscription } from '@potok/contracts/webhook'
import { call } from '../../system/api.ts'
import { createPerson, type Person } from '../../system/chat.ts'
import type { PrivateSystem } from '../../system/private-system.ts'

const KEY = { 'x-api-key': 'gateway-service-key' }
const PATIENCE_MS = 120_000
const POLL_MS = 100

export interface OutageOptions {
  /** Distinguishes the titles of this outage's tasks. */
  name: string
  /** How long the gateway is away; `until` may make it longer. */
  lastsMs: number
  /** Tasks assigned meanwhile, spread over the time. */
  tasks: number
  /** Resolves when the outage has lasted long enough by another measure. */
  until?: () => Promise<void>
}

/** Somebody with a chat, and their account. */
export interface Assignee {
  person: Person
  userId: string
}

/** Starts a person of the simulated MAX and finds the account that the bot made. */
export async function createAssignee(system: PrivateSystem, name: string): Promise<Assignee> {
  const person = await createPerson(system.url('simulator'), name)
  await person.start()
  await person.sees(() => true, 'a greeting')
  const url = `${system.url('admin')}/api/v1/users?maxUserId=${person.userId}`
  const { body } = await call<{ items: { id: string }[] }>(url, { headers: KEY })
  const [user] = body.items
  if (user === undefined) throw new Error(`${name} has no account`)
  return { person, userId: user.id }
}

async function foundSubscription(system: PrivateSystem): Promise<Subscription | undefined> {
  const url = `${system.url('state')}/api/v1/webhooks/subscriptions`
  const { body } = await call<{ items: Subscription[] }>(url, { headers: KEY })
  return body.items.find(({ externalId }) => externalId === 'gateway-notifier')
}

/** The subscription by which the gateway hears of tasks; made in the moments after it starts. */
export async function notifierSubscription(system: PrivateSystem): Promise<Subscription> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const found = await foundSubscription(system)
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error('The gateway has no subscription')
    await pause(POLL_MS)
  }
}

async function assign(
  system: PrivateSystem,
  userId: string,
  { entityId, title }: { entityId: string; title: string },
): Promise<void> {
  const { status } = await call(`${system.url('state')}/api/v1/states/task`, {
    method: 'POST',
    headers: { ...KEY, 'x-actor': 'user:somebody-else' },
    json: {
      entityId,
      status: 'pending',
      metadata: { title, assignee: userId },
    },
  })
  if (status !== 201) throw new Error(`${title} was answered with ${status}`)
}

/** How often each title stands in the chat. */
async function told(person: Person, titles: readonly string[]): Promise<Map<string, number>> {
  const texts = (await person.messages())
    .filter(({ sender }) => sender.isBot)
    .map(({ text }) => text ?? '')
  return new Map(
    titles.map((title) => [title, texts.filter((text) => text.includes(title)).length]),
  )
}

/**
 * The gateway is stopped, tasks are assigned meanwhile, it is started again: everybody must be told of every task.
 * @returns every violation, in words
 */
export async function outage(
  system: PrivateSystem,
  { person, userId }: Assignee,
  { name, lastsMs, tasks, until }: OutageOptions,
): Promise<string[]> {
  const gateway = system.process('gateway')
  const given = Array.from({ length: tasks }, (_, n) => ({
    entityId: `${name}-${n + 1}`,
    title: `Дело ${n + 1} простоя ${name}`,
  }))
  const titles = given.map(({ title }) => title)
  await notifierSubscription(system)
  await gateway.end()
  const startedAt = Date.now()
  for (const task of given) {
    await assign(system, userId, task)
    await pause(lastsMs / tasks)
  }
  await until?.()
  await pause(Math.max(0, lastsMs - (Date.now() - startedAt)))
  await gateway.start()

  const deadline = Date.now() + PATIENCE_MS
  let counts = await told(person, titles)
  while ([...counts.values()].includes(0) && Date.now() < deadline) {
    await pause(POLL_MS)
    counts = await told(person, titles)
  }
  return [...counts].flatMap(([title, times]) =>
    times === 1 ? [] : [`${title} was told ${times} times`],
  )
}
