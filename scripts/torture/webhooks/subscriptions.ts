import { Webhook } from 'standardwebhooks'
import type { Ordering } from '@potok/contracts/webhook'
import { verifySignature } from '@potok/contracts/webhook-signature'
import { call } from '../../system/api.ts'
import { KEY } from '../state/writers.ts'
import { FAULTS, type Behaviour, type Receipt, type Sink } from './sink.ts'
import type { Random } from '../random.ts'

export interface Subscribed {
  id: string
  endpoint: string
  ordering: Ordering
  /** Nothing may ever arrive there, and the deliveries must say why. */
  isForbidden: boolean
}

/** At this endpoint nobody may ask: its name leads to an address that deliveries must not reach. */
const FORBIDDEN = '/by-name'

/** Endpoint → how often it answers well, and what it does otherwise. */
const ENDPOINTS: Record<string, { good: number; ordering: Ordering; fault?: Behaviour }> = {
  '/good': { good: 1, ordering: 'none' },
  '/flaky': { good: 0.5, ordering: 'none' },
  '/flaky-entity': { good: 0.6, ordering: 'entity' },
  '/flaky-latest': { good: 0.6, ordering: 'latest' },
  '/redirects': { good: 0, ordering: 'none', fault: 'redirect' },
  '/hangs': { good: 0, ordering: 'entity', fault: 'hang' },
  [FORBIDDEN]: { good: 0, ordering: 'none' },
}

export function behave(endpoint: string, random: Random): Behaviour {
  const { good = 0, fault } = ENDPOINTS[endpoint] ?? {}
  return random.next() < good ? 'ok' : (fault ?? random.pick(FAULTS))
}

const secretOf = (endpoint: string): string => `secret-of-${endpoint}`

/** Both signatures of a delivery, by the means that receivers have. @returns what is wrong */
export function verify({
  endpoint,
  headers,
  body,
}: Pick<Receipt, 'endpoint' | 'headers' | 'body'>): string | undefined {
  const secret = secretOf(endpoint)
  try {
    new Webhook(secret, { format: 'raw' }).verify(body, headers as Record<string, string>)
  } catch (error) {
    return `Standard Webhooks refuses it: ${String(error)}`
  }
  const signature = headers['x-webhook-signature']
  const given = typeof signature === 'string' ? signature : undefined
  return verifySignature(body, given, [secret]) ? undefined : 'its X-Webhook-Signature is wrong'
}

/** A metadata service in spellings that must be refused before anything is sent. */
const LITERALS = [
  'http://169.254.169.254/latest/meta-data',
  'http://2852039166/latest/meta-data',
  'http://0xa9.0xfe.0xa9.0xfe/latest/meta-data',
  'http://[::ffff:169.254.169.254]/latest/meta-data',
  'http://127.0.0.2/latest/meta-data',
]

/** @returns what was not refused */
export async function refusedLiterals(origin: string): Promise<string[]> {
  const faults: string[] = []
  for (const url of LITERALS) {
    const { status } = await call(`${origin}/api/v1/webhooks/subscriptions`, {
      method: 'POST',
      headers: KEY,
      json: { url, events: ['*'] },
    })
    if (status !== 422) faults.push(`${url} was answered with ${status} instead of 422`)
  }
  return faults
}

/** @param byName URL of a name that resolves to an address which is not allowed */
export async function subscribeAll(
  origin: string,
  sink: Sink,
  byName: string | undefined,
): Promise<Subscribed[]> {
  const made: Subscribed[] = []
  for (const [endpoint, { ordering }] of Object.entries(ENDPOINTS)) {
    const isForbidden = endpoint === FORBIDDEN
    const url = isForbidden ? byName : sink.url(endpoint)
    if (url === undefined) continue
    const secret = secretOf(endpoint)
    const { status, body } = await call<{ id: string }>(`${origin}/api/v1/webhooks/subscriptions`, {
      method: 'POST',
      headers: KEY,
      json: {
        url,
        events: ['entity.*'],
        secret,
        ordering,
        maxRetries: isForbidden ? 2 : 12,
        retryDelays: [100, 200, 400],
        timeoutMs: 400,
        maxInFlight: 8,
      },
    })
    if (status !== 201)
      throw new Error(`No subscription of ${endpoint}: ${status} ${JSON.stringify(body)}`)
    made.push({ id: body.id, endpoint, ordering, isForbidden })
  }
  return made
}

/** An operator who believes that the endpoint is well again; most of them are not, and are deactivated again. */
export async function activate(origin: string, { id, endpoint }: Subscribed): Promise<void> {
  const { status, body } = await call(`${origin}/api/v1/webhooks/subscriptions/${id}`, {
    method: 'PATCH',
    headers: KEY,
    json: { active: true },
  })
  if (status !== 200) throw new Error(`${endpoint} was not activated: ${JSON.stringify(body)}`)
}
