import type { FastifyBaseLogger } from 'fastify'
import type { Platform } from './platform.ts'
import { KNOWN_UPDATES } from './schemas.ts'
import type { TurnContext } from './turn.ts'

export interface SubscriptionDeps {
  platform: Pick<Platform<TurnContext>, 'subscriptions' | 'subscribe'>
  /** The whole URL that the platform calls. */
  url: string
  secret: string
  log: FastifyBaseLogger
}

/**
 * Keeps the webhook subscription: made at the start, which also tells the platform the secret in force, and again
 * whenever it is gone. Subscriptions to other URLs are left alone: they may be another installation's.
 */
export function createSubscription({ platform, url, secret, log }: SubscriptionDeps) {
  let isMade = false

  async function subscribe(why: string): Promise<void> {
    await platform.subscribe(url, secret, KNOWN_UPDATES)
    isMade = true
    log.info({ url, why }, 'subscribed to the updates of MAX')
  }

  return async function ensure(): Promise<void> {
    if (!isMade) return subscribe('start')
    const found = (await platform.subscriptions()).find((one) => one.url === url)
    if (found === undefined) return subscribe('it was gone')
    const types = new Set(found.updateTypes ?? KNOWN_UPDATES)
    if (KNOWN_UPDATES.some((type) => !types.has(type))) return subscribe('types were missing')
  }
}
