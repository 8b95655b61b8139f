import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Type } from '@sinclair/typebox'
import type { FastifyBaseLogger } from 'fastify'
import type { AnyDatabase } from '@potok/core/database'
import { createParser } from '@potok/core/validation'
import type { Facts } from './facts.ts'
import type { Intake } from './intake.ts'
import type { Platform } from './platform.ts'
import { KNOWN_UPDATES } from './schemas.ts'
import type { TurnContext } from './turn.ts'

export interface PollingDeps {
  database: AnyDatabase
  facts: Facts
  platform: Pick<Platform<TurnContext>, 'updates' | 'subscriptions'>
  intake: Pick<Intake, 'receivePage'>
  log: FastifyBaseLogger
  /** Beyond the longest poll: while it runs the lease is ours. */
  leaseMs: number
  /** Between two polls; the platform takes two a second. */
  pauseMs: number
}

const LEASE = 'polling-lease'
const MARKER = 'polling-marker'
const markerParser = createParser(Type.Object({ marker: Type.Integer() }))

/**
 * Long polling by one replica at a time. The marker moves in the transaction that stores the updates before it, so that
 * a death at any point repeats a page and loses none.
 */
export function createPolling(deps: PollingDeps) {
  const { database, facts, platform, intake, log, leaseMs, pauseMs } = deps
  const holder = randomUUID()
  let isWarned = false

  const lease = (): Promise<boolean> =>
    database.write((trx) => facts.lease(trx, { name: LEASE, holder, ms: leaseMs }))

  async function markerNow(): Promise<number | undefined> {
    const stored = await facts.get(MARKER)
    return markerParser.check(stored) ? stored.marker : undefined
  }

  /** A webhook that somebody left behind swallows everything; it may be another installation's, so it stays. */
  async function warnOfWebhooks(): Promise<void> {
    if (isWarned) return
    isWarned = true
    const urls = (await platform.subscriptions()).map(({ url }) => url)
    if (urls.length > 0) {
      log.warn({ urls }, 'MAX sends updates to a webhook: polling gets none until it is removed')
    }
  }

  return {
    /** One poll, if it is this replica's turn. */
    async poll(signal: AbortSignal): Promise<void> {
      if (!(await lease())) {
        await pause(leaseMs / 4, undefined, { signal })
        return
      }
      await warnOfWebhooks()
      const { updates, marker } = await platform.updates(KNOWN_UPDATES, await markerNow(), signal)
      await database.write(async (trx) => {
        // Too slow, and another replica has taken over: what it does with this page is the truth.
        if (!(await facts.lease(trx, { name: LEASE, holder, ms: leaseMs }))) return
        const page = updates.map((raw) => ({ raw, correlationId: randomUUID() }))
        await intake.receivePage(trx, page)
        if (typeof marker === 'number') await facts.set(trx, MARKER, { marker })
      })
      if (updates.length === 0) await pause(pauseMs, undefined, { signal })
    },
    /** Lets another replica take over at once. */
    release: (): Promise<void> => database.write((trx) => facts.release(trx, LEASE, holder)),
  }
}
