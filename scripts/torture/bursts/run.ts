import { setTimeout as pause } from 'node:timers/promises'
import type { EventLogItem } from '@potok/contracts/event'
import { call } from '../../system/api.ts'
import type { Random } from '../random.ts'
import { startReplicas, type Replicas } from '../replicas.ts'
import { eventLog } from '../state/checker.ts'
import { KEY } from '../state/writers.ts'
import type { TortureOptions, TortureResult } from '../torture.ts'
import { drain, pending } from '../webhooks/backlog.ts'
import { deliveries } from '../webhooks/checker.ts'
import { startWellSink, type WellSink } from './sink.ts'

const SECRET = 'your-webhook-secret'
const ENDPOINTS = ['/a', '/b', '/c', '/d', '/e']
const MAX_IN_FLIGHT = 8
const MOST_BATCHES = 4
const LEAST_CHANGES = 20
const MOST_CHANGES = 300
/** From the first acknowledgement of a round to the kill. */
const KILL_WITHIN_MS = 500
/** So long nothing may come to its end while deliveries wait. */
const STANDSTILL_MS = 60_000

interface Subscribed {
  id: string
  endpoint: string
}

async function subscribe(origin: string, sink: WellSink): Promise<Subscribed[]> {
  const made: Subscribed[] = []
  for (const endpoint of ENDPOINTS) {
    const { status, body } = await call<{ id: string }>(`${origin}/api/v1/webhooks/subscriptions`, {
      method: 'POST',
      headers: KEY,
      json: {
        url: `${sink.origin}${endpoint}`,
        events: ['entity.*'],
        secret: SECRET,
        maxInFlight: MAX_IN_FLIGHT,
      },
    })
    if (status !== 201) throw new Error(`No subscription: ${status} ${JSON.stringify(body)}`)
    made.push({ id: body.id, endpoint })
  }
  return made
}

/** @returns the changes that were acknowledged; nothing is known of a batch whose answer was lost */
async function burst(origin: string, name: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => `${name}_${n}`)
  const operations = ids.map((entityId) => ({
    op: 'create',
    entity: 'task',
    entityId,
    status: 'created',
    metadata: { title: entityId },
  }))
  try {
    const json = { mode: 'atomic', operations }
    const answer = await call(`${origin}/api/v1/states/batch`, {
      method: 'POST',
      headers: KEY,
      json,
    })
    return answer.status === 200 ? ids.map((id) => `${id}@1`) : []
  } catch {
    // Killed before it answered.
    return []
  }
}

/** Some bursts, and the process dies while their deliveries are under way; it is back when this resolves. */
async function round(
  { processes: [victim], urls: [origin] }: Replicas,
  random: Random,
  name: string,
): Promise<string[]> {
  const batches = Array.from({ length: random.integer(1, MOST_BATCHES) }, (_, n) =>
    burst(origin, `${name}_${n}`, random.integer(LEAST_CHANGES, MOST_CHANGES)),
  )
  await Promise.race(batches)
  await pause(random.integer(0, KILL_WITHIN_MS))
  await victim.end('SIGKILL')
  const acknowledged = (await Promise.all(batches)).flat()
  await victim.start()
  return acknowledged
}

const changeOf = ({ data }: EventLogItem): string =>
  'version' in data ? `${data.id}@${data.version}` : 'no change'

/** Every event at every endpoint, and each delivery told as delivered. */
async function check(
  origin: string,
  subscriptions: readonly Subscribed[],
  events: readonly EventLogItem[],
  sink: WellSink,
): Promise<string[]> {
  const faults = [...sink.faults]
  for (const { id, endpoint } of subscriptions) {
    const arrived = sink.arrivals.get(endpoint)
    for (const event of events) {
      const change = changeOf(event)
      if (arrived?.has(change) !== true) faults.push(`${endpoint}: ${change} never came`)
    }
    const told = await deliveries(origin, id)
    const delivered = new Set(
      told.flatMap(({ status, eventId }) => (status === 'delivered' ? [eventId] : [])),
    )
    for (const { id: eventId } of events) {
      if (!delivered.has(eventId)) faults.push(`${endpoint}: ${eventId} is not told as delivered`)
    }
    if (told.length !== events.length)
      faults.push(`${endpoint}: ${told.length} deliveries of ${events.length} events`)
    if (sink.mostOpen(endpoint) > MAX_IN_FLIGHT)
      faults.push(`${endpoint}: ${sink.mostOpen(endpoint)} deliveries at once`)
  }
  return faults
}

/**
 * Bursts of changes to endpoints that are well, and `kill -9` while their deliveries are in memory: what was acknowledged
 * arrives everywhere, and what was settled is not sent again.
 */
export async function tortureBursts({
  store,
  rounds,
  random,
  report,
}: TortureOptions): Promise<TortureResult> {
  const sink = await startWellSink(random, SECRET)
  const replicas = await startReplicas(store, { WEBHOOK_ALLOWED_TARGETS: sink.origin }, 1)
  const [origin] = replicas.urls
  const acknowledged: string[] = []
  try {
    const subscriptions = await subscribe(origin, sink)
    for (let n = 1; n <= rounds; n += 1) {
      acknowledged.push(...(await round(replicas, random, `burst_${n}`)))
      const left = await pending(origin, subscriptions)
      report(
        `${store} round ${n}/${rounds}: ${acknowledged.length} acknowledged, ${sink.received()} received, ${left} pending`,
      )
    }
    await drain(origin, subscriptions, STANDSTILL_MS)
    const events = await eventLog(origin)
    const faults = await check(origin, subscriptions, events, sink)
    const logged = new Set(events.map(changeOf))
    faults.push(
      ...acknowledged.flatMap((change) => (logged.has(change) ? [] : [`${change} was lost`])),
    )
    const wanted = events.length * subscriptions.length
    const again = sink.received() - wanted
    return {
      checked: `${events.length} events × ${subscriptions.length} subscriptions, ${again} sent again`,
      faults,
    }
  } finally {
    await replicas.stop()
    await sink.close()
  }
}
