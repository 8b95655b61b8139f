import type { Ordering } from '@potok/contracts/webhook'
import { call } from '../../system/api.ts'
import { KEY } from '../state/writers.ts'
import { FAULTS, type Behaviour, type Sink } from './sink.ts'
import type { Random } from '../random.ts'

export interface Subscribed {
  id: string
  endpoint: string
  ordering: Ordering
  secret: string
}

/** Endpoint → how often it answers well, and what it does otherwise. */
const ENDPOINTS: Record<string, { good: number; ordering: Ordering; fault?: Behaviour }> = {
  '/good': { good: 1, ordering: 'none' },
  '/flaky': { good: 0.5, ordering: 'none' },
  '/flaky-entity': { good: 0.6, ordering: 'entity' },
  '/flaky-latest': { good: 0.6, ordering: 'latest' },
  '/redirects': { good: 0, ordering: 'none', fault: 'redirect' },
  '/hangs': { good: 0, ordering: 'entity', fault: 'hang' },
}

export function behave(endpoint: string, random: Random): Behaviour {
  const { good = 0, fault } = ENDPOINTS[endpoint] ?? {}
  return random.next() < good ? 'ok' : (fault ?? random.pick(FAULTS))
}

export async function subscribeAll(origin: string, sink: Sink): Promise<Subscribed[]> {
  const made: Subscribed[] = []
  for (const [endpoint, { ordering }] of Object.entries(ENDPOINTS)) {
    const secret = `secret-of-${endpoint}`
    const { status, body } = await call<{ id: string }>(`${origin}/api/v1/webhooks/subscriptions`, {
      method: 'POST',
      headers: KEY,
      json: {
        url: sink.url(endpoint),
        events: ['entity.*'],
        secret,
        ordering,
        maxRetries: 12,
        retryDelays: [100, 200, 400],
        timeoutMs: 400,
        maxInFlight: 8,
      },
    })
    if (status !== 201)
      throw new Error(`No subscription of ${endpoint}: ${status} ${JSON.stringify(body)}`)
    made.push({ id: body.id, endpoint, ordering, secret })
  }
  return made
}
