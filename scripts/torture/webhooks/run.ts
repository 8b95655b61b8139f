import { setTimeout as pause } from 'node:timers/promises'
import type { Subscription } from '@potok/contracts/webhook'
import { call } from '../../system/api.ts'
import { startReplicas } from '../replicas.ts'
import { eventLog } from '../state/checker.ts'
import { KEY, write, type Writers } from '../state/writers.ts'
import type { TortureOptions, TortureResult } from '../torture.ts'
import { check } from './checker.ts'
import { startForbidden, startSink } from './sink.ts'
import { behave, subscribeAll, type Subscribed } from './subscriptions.ts'

/** Short time-outs make short leases: a killed replica's deliveries are taken up within the run. */
const SHORT = {
  WEBHOOK_DELIVERY_TIMEOUT: '400',
  WEBHOOK_RETRY_DELAY: '100',
  WEBHOOK_ALLOWED_TARGETS: '127.0.0.1/32',
}
const DRAIN_MS = 120_000

async function pending(origin: string, subscriptions: readonly Subscribed[]): Promise<number> {
  let sum = 0
  for (const { id } of subscriptions) {
    const { body } = await call<Subscription>(`${origin}/api/v1/webhooks/subscriptions/${id}`, {
      headers: KEY,
    })
    sum += body.backlog.pending
  }
  return sum
}

async function drain(origin: string, subscriptions: readonly Subscribed[]): Promise<void> {
  const deadline = Date.now() + DRAIN_MS
  while ((await pending(origin, subscriptions)) > 0) {
    if (Date.now() > deadline) return
    await pause(200)
  }
}

/** Random writers, a sink that fails in every way, `kill -9` of replicas; then the log is held against the sink. */
export async function tortureWebhooks({
  store,
  rounds,
  random,
  report,
}: TortureOptions): Promise<TortureResult> {
  const replicas = await startReplicas(store, SHORT)
  const forbidden = await startForbidden()
  const sink = await startSink({ random, forbidden: forbidden.url, behave })
  const into: Writers = {
    acknowledged: [],
    deleted: [],
    refused: 0,
    away: 0,
    unknown: 0,
    wrong: [],
  }
  const [origin] = replicas.urls
  try {
    const subscriptions = await subscribeAll(origin, sink)
    for (let round = 1; round <= rounds; round += 1) {
      let stop = false
      const writing = write(replicas.urls, random, {
        writers: 2,
        entities: 12,
        stopped: () => stop,
        into,
      })
      await pause(random.integer(50, 600))
      const victim = random.pick([replicas.processes[0], ...replicas.processes])
      await victim.end('SIGKILL')
      stop = true
      await writing
      await victim.start()
      report(
        `${store} round ${round}/${rounds}: ${into.acknowledged.length} acknowledged, ` +
          `${sink.receipts.length} receipts, ${await pending(origin, subscriptions)} pending`,
      )
    }
    await drain(origin, subscriptions)
    const log = await eventLog(origin)
    const { faults, statuses } = await check(origin, subscriptions, log, sink.receipts)
    if (forbidden.hits() > 0)
      faults.push(`${forbidden.hits()} requests reached a forbidden address`)
    const told = Object.entries(statuses).map(([status, count]) => `${count} ${status}`)
    return {
      checked: `${log.length} events × ${subscriptions.length} subscriptions: ${told.join(', ')}`,
      faults: [...faults, ...into.wrong],
    }
  } finally {
    await replicas.stop()
    await sink.close()
    await forbidden.close()
  }
}
