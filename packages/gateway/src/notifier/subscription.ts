import { setTimeout as pause } from 'node:timers/promises'
import { Type, type Static } from '@sinclair/typebox'
import type { FastifyBaseLogger } from 'fastify'
import type { SubscriptionCreate } from '@potok/contracts/webhook'
import type { HttpClient } from '@potok/core/http-client'
import { createParser } from '@potok/core/validation'
import { WEBHOOK_EVENTS } from './schemas.ts'

export interface SubscriptionDeps {
  state: Pick<HttpClient, 'request'>
  log: FastifyBaseLogger
  /** Where the state service reaches us. */
  url: string
  secret: string
  /** How often it is looked after, milliseconds. */
  checkEveryMs: number
}

const EXTERNAL_ID = 'gateway-notifier'
const SECOND = 1000
const HOUR = 3_600_000
/** About a day: a gateway that is away for hours loses nothing. */
const RETRY_DELAYS = [
  ...[1, 2, 5, 10, 30].map((seconds) => seconds * SECOND),
  ...[60, 300, 900].map((seconds) => seconds * SECOND),
  ...Array.from({ length: 24 }, () => HOUR),
]

/** What we look at in the state service's answers; the rest of a subscription is its own business. */
const Registered = Type.Object({
  id: Type.String(),
  url: Type.String(),
  active: Type.Boolean(),
  backlog: Type.Optional(Type.Object({ dead: Type.Integer(), pending: Type.Integer() })),
})
const parseRegistered = createParser(Registered)

/** A gateway that hangs is passed over sooner than the state service would do by itself. */
const TIMEOUT_MS = 10_000
const TIMEOUT_REFUSED = 'WEBHOOKS_TIMEOUT_TOO_LONG'

/** The state service was reached and said no. */
class Refused extends Error {
  readonly code: string

  constructor(status: number, problem: string) {
    // The problem names the setting that would allow it, such as WEBHOOK_ALLOWED_TARGETS.
    super(`the state service answered ${status}: ${problem}`)
    this.code = /"code":"(?<code>[A-Z_]+)"/u.exec(problem)?.groups?.['code'] ?? ''
  }
}

function body(url: string, secret: string): SubscriptionCreate {
  return {
    url,
    secret,
    externalId: EXTERNAL_ID,
    description: 'Tells people of changes of their tasks, administrators of webhooks',
    events: ['entity.created', 'entity.updated', 'entity.deleted', ...WEBHOOK_EVENTS],
    filter: { entity: ['task'] },
    ordering: 'entity',
    retryDelays: RETRY_DELAYS,
    maxRetries: RETRY_DELAYS.length,
    maxInFlight: 16,
  }
}

type Call = (method: 'POST' | 'PATCH', path: string, json: object) => Promise<unknown>

const callTo =
  (state: SubscriptionDeps['state'], signal: AbortSignal): Call =>
  async (method, path, json) => {
    const at = `/api/v1/webhooks/subscriptions${path}`
    const answer = await state.request({ method, path: at, json, signal, background: true })
    if (answer.status < 300) return answer.body.json()
    throw new Refused(answer.status, answer.body.text())
  }

/** With a shorter WEBHOOK_DELIVERY_TIMEOUT than ours that one is good for us too. */
async function register(call: Call, wanted: SubscriptionCreate): Promise<unknown> {
  try {
    return await call('POST', '', { ...wanted, timeoutMs: TIMEOUT_MS })
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== TIMEOUT_REFUSED) throw error
    return call('POST', '', wanted)
  }
}

/** Tells why we are not subscribed; a refusal once, although it is asked again every second until that is put right. */
function createComplaints(log: FastifyBaseLogger) {
  let refused = ''
  return (error: unknown, registered: boolean): void => {
    const code = error instanceof Refused ? error.code : ''
    const isNews = registered || (code !== '' && code !== refused)
    refused = code
    if (isNews) log.warn({ err: error }, 'our subscription could not be looked after')
    else log.debug({ err: error }, 'the state service cannot be subscribed to yet')
  }
}

/** Keeps our subscription at the state service: made at the start, put right when missing, changed or deactivated. */
export function createSubscription({ state, log, url, secret, checkEveryMs }: SubscriptionDeps) {
  const closing = new AbortController()
  let registered = false
  let running: Promise<void> | undefined
  let replayedAtStart = false
  const call = callTo(state, closing.signal)
  const complain = createComplaints(log)

  /** Creating by `externalId` updates in place, so that one call makes, mends and moves it. */
  async function ensure(): Promise<void> {
    const subscription = parseRegistered(await register(call, body(url, secret)))
    if (!subscription.active) {
      log.warn(
        { subscriptionId: subscription.id },
        'our subscription was deactivated, activating it',
      )
      await call('PATCH', `/${subscription.id}`, { active: true })
    }
    if (!replayedAtStart) await catchUp(subscription)
    replayedAtStart = true
    if (!registered) log.info({ subscriptionId: subscription.id, url }, 'subscribed to task events')
    registered = true
  }

  /** What waits for a retry of up to an hour comes now that we are here, and what was given up as well. */
  async function catchUp({ id, backlog }: Static<typeof Registered>): Promise<void> {
    const from = new Date(Date.now() - 24 * HOUR).toISOString()
    if ((backlog?.pending ?? 0) > 0) {
      await call('POST', `/${id}/replay`, { from, status: 'pending' })
    }
    if ((backlog?.dead ?? 0) === 0) return
    await call('POST', `/${id}/replay`, { from, status: 'dead' })
    log.info({ dead: backlog?.dead }, 'dead deliveries of ours are sent again')
  }

  async function keep(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await ensure()
      } catch (error) {
        if (closing.signal.aborted) return
        complain(error, registered)
        registered = false
      }
      const wait = registered ? checkEveryMs : Math.min(1000, checkEveryMs)
      await pause(wait, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  return {
    registered: (): boolean => registered,
    start(): void {
      running ??= keep()
    },
    async close(): Promise<void> {
      closing.abort()
      await running
    },
  }
}
