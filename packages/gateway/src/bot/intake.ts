import type { FastifyBaseLogger } from 'fastify'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { ValueRefused } from '@potok/core/validation'
import type { Inbox } from './inbox.ts'
import type { BotMetrics } from './metrics.ts'
import type { AnyUpdate } from './schemas.ts'
import { isKnownUpdate, laneOf, readUpdate, type Incoming } from './update.ts'

export interface IntakeDeps {
  database: AnyDatabase
  inbox: Pick<Inbox, 'put'>
  metrics: BotMetrics
  log: FastifyBaseLogger
  now: () => number
}

export type Intake = ReturnType<typeof createIntake>

interface Received {
  incoming: Incoming
  raw: AnyUpdate
}

/** Types beyond these few are counted together: labels are bounded. */
const OTHER = 'unknown'

/** Takes updates from wherever they come: known ones into the inbox, others are counted and let go. */
export function createIntake({ database, inbox, metrics, log, now }: IntakeDeps) {
  /** Undefined: nothing to store. */
  function read(raw: AnyUpdate, correlationId: string): Received | undefined {
    const type = raw.update_type
    if (!isKnownUpdate(type)) {
      metrics.received(OTHER)
      metrics.dropped('ignored')
      log.debug({ correlationId, event: type.slice(0, 64) }, 'update of no concern')
      return undefined
    }
    metrics.received(type)
    try {
      return { incoming: readUpdate(type, raw), raw }
    } catch (error) {
      if (!(error instanceof ValueRefused)) throw error
      // Refusing it would only make the platform send it again, ten times.
      metrics.dropped('invalid')
      log.warn({ correlationId, event: type, err: error }, 'update lacks what its type must have')
      return undefined
    }
  }

  async function put(trx: AnyTransaction, { incoming, raw }: Received, correlationId: string) {
    const stored = { correlationId, receivedAt: now(), update: { ...raw } }
    return inbox.put(trx, { key: incoming.key, lane: laneOf(incoming), stored })
  }

  function tell({ incoming }: Received, correlationId: string, isNew: boolean): void {
    if (!isNew) metrics.dropped('duplicate')
    const { sender, type } = incoming
    const userId = sender === undefined ? undefined : `max${sender.user_id}`
    log.info({ correlationId, userId, event: type, duplicate: !isNew }, 'Webhook received')
  }

  return {
    /** Resolves when it is stored, was stored before, or needs not be. */
    async receive(raw: AnyUpdate, correlationId: string): Promise<void> {
      const received = read(raw, correlationId)
      if (received === undefined) return
      const isNew = await database.write((trx) => put(trx, received, correlationId))
      tell(received, correlationId, isNew)
    },

    /** Stores a page of updates in the transaction that moves the marker behind it. */
    async receivePage(
      trx: AnyTransaction,
      page: readonly { raw: AnyUpdate; correlationId: string }[],
    ): Promise<void> {
      for (const { raw, correlationId } of page) {
        const received = read(raw, correlationId)
        if (received === undefined) continue
        const isNew = await put(trx, received, correlationId)
        database.afterCommit(trx, () => tell(received, correlationId, isNew))
      }
    },
  }
}
