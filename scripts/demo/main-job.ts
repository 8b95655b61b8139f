import { io, type Socket } from 'socket.io-client'
import type { ClientEvents, ServerEvents } from '@potok/contracts/socket-events'
import type { HistoryEntry, Page } from '@potok/contracts/state'
import { verifySignature } from '@potok/contracts/webhook-signature'
import { call, login } from '../system/api.ts'
import { createPerson, hasButton } from '../system/chat.ts'
import { startReceiver } from '../system/receiver.ts'
import { createTimeline } from './timeline.ts'

interface Places {
  gateway: string
  state: string
  simulator: string
}

const SECRET = 'demo-webhook-secret'
const TITLE = 'Подготовить отчёт'
type Timeline = ReturnType<typeof createTimeline>

async function openDashboard({ gateway }: Places, token: string, timeline: Timeline) {
  const socket: Socket<ServerEvents, ClientEvents> = io(gateway, {
    path: '/api/v1/socket.io',
    transports: ['websocket'],
    auth: { token },
  })
  const seen: string[] = []
  for (const event of ['task:created', 'task:updated'] as const) {
    socket.on(event, (change) => {
      if (change.metadata['title'] !== TITLE) return
      seen.push(change.id)
      timeline.step(
        'dashboard',
        `${event}: ${change.previousStatus ?? '–'} → ${change.newStatus ?? '–'}`,
      )
    })
  }
  const answer = await socket.timeout(10_000).emitWithAck('subscribe', { channel: 'tasks' })
  if (!answer.ok) throw new Error(`The dashboard cannot subscribe: ${answer.error.message}`)
  timeline.step('dashboard', 'logged in and subscribed to tasks')
  return { socket, seen }
}

async function subscribeReceiver({ state }: Places, timeline: Timeline) {
  const receiver = await startReceiver()
  const headers = { 'x-api-key': 'gateway-service-key' }
  const { status, body } = await call<{ id: string }>(`${state}/api/v1/webhooks/subscriptions`, {
    method: 'POST',
    headers,
    json: { url: receiver.url, events: ['entity.*'], secret: SECRET, description: 'Demo' },
  })
  if (status !== 201) throw new Error(`The receiver cannot subscribe: ${status}`)
  timeline.step('receiver', 'subscribed to webhooks')
  return {
    receiver,
    async close(): Promise<void> {
      await call(`${state}/api/v1/webhooks/subscriptions/${body.id}`, { method: 'DELETE', headers })
      await receiver.close()
    },
  }
}

async function printHistory({ gateway }: Places, id: string, authorization: string): Promise<void> {
  const { body } = await call<Page<HistoryEntry>>(
    `${gateway}/api/v1/states/task/${id}/history?order=asc`,
    { headers: { authorization } },
  )
  console.log(`\nHistory of ${id}:`)
  console.table(
    body.items.map(({ version, previousStatus, newStatus, actor, correlationId, timestamp }) => ({
      version,
      from: previousStatus ?? '–',
      to: newStatus ?? '–',
      actor,
      correlationId,
      timestamp,
    })),
  )
}

/** Plays the main job from the chat to the webhook and prints when each part saw it. */
export async function playMainJob(places: Places): Promise<void> {
  const timeline = createTimeline((line) => console.log(line))
  const { authorization, token } = await login(places.gateway)
  const { socket, seen } = await openDashboard(places, token, timeline)
  const subscription = await subscribeReceiver(places, timeline)
  try {
    const anna = await createPerson(places.simulator, 'Анна')
    await anna.start()
    await anna.sees(() => true, 'a greeting')
    timeline.step('Анна', 'started the bot and was greeted')
    await anna.write(`/new ${TITLE}`)
    timeline.step('Анна', `wrote «/new ${TITLE}»`)
    await anna.sees((message) => message.text?.includes(TITLE) === true, 'the card')
    timeline.step('Анна', 'sees the card of the task')
    const { body } = await subscription.receiver.gets(
      ({ body: text }) => text.includes(TITLE),
      'the webhook',
    )
    const header = subscription.receiver.received.find((one) => one.body === body)?.headers[
      'x-webhook-signature'
    ]
    const good = verifySignature(body, typeof header === 'string' ? header : undefined, [SECRET])
    if (!good) throw new Error('The signature of the webhook is wrong')
    timeline.step('receiver', 'got the webhook and verified its signature')
    for (const [button, next] of [
      ['Начать', 'Готово'],
      ['Готово', 'Переоткрыть'],
    ] as const) {
      await anna.press(button)
      timeline.step('Анна', `pressed «${button}»`)
      await anna.sees((message) => hasButton(message, next), `the card with «${next}»`)
      timeline.step('Анна', 'sees the changed card')
    }
    const id = seen[0]
    if (id === undefined) throw new Error('The dashboard saw nothing')
    await printHistory(places, id, authorization)
  } finally {
    socket.close()
    await subscription.close()
  }
}
