import type { CustomEvent, PublishEvent } from '@potok/contracts/event'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { sql } from 'kysely'
import type { FastifyInstance } from 'fastify'
import type { Answer, Claim } from '../idempotency/index.ts'
import type { EventLog } from './event-log.ts'

export interface PublisherDeps {
  database: AnyDatabase
  log: EventLog
  once: FastifyInstance['idempotency']['once']
}

/** Publishes custom events. */
export function createPublisher({ database, log, once }: PublisherDeps) {
  const clock = database.statement<object>()(
    () => sql<{ now: number }>`select ${database.now()} as now`,
  )

  async function publish(
    trx: AnyTransaction,
    { name, entity, id, data = null }: PublishEvent,
    correlationId: string,
  ): Promise<Answer> {
    const [time] = (await clock({}, trx)).rows
    const given: CustomEvent['data'] = {
      name,
      ...(entity === undefined ? {} : { entity }),
      ...(id === undefined ? {} : { id }),
      data,
    }
    const [stored] = await log.append(trx, [
      { event: 'custom.event', timestampMs: time?.now ?? 0, data: given, correlationId },
    ])
    return { status: 201, ...(stored === undefined ? {} : { body: stored.body }) }
  }

  /** @returns the event as it stands in the log, or the stored answer of the same claim */
  return (given: PublishEvent, correlationId: string, claim?: Claim): Promise<Answer> =>
    database.write((trx) => once(trx, claim, () => publish(trx, given, correlationId)))
}

export type Publisher = ReturnType<typeof createPublisher>
