import type { CustomEvent, PublishEvent } from '@potok/contracts/event'
import { sql } from 'kysely'
import type { AnyDatabase } from '@potok/core/database'
import type { EventLog } from './event-log.ts'
import type { EventTables } from './tables.ts'

/** Publishes custom events. */
export function createPublisher({ database, log }: { database: AnyDatabase; log: EventLog }) {
  const tables = database.as<EventTables>()

  return async (given: PublishEvent, correlationId: string): Promise<CustomEvent> => {
    const { name, entity, id, data = null } = given
    const [stored] = await database.write(async (trx) => {
      const { rows } = await sql<{ now: number }>`select ${database.now()} as now`.execute(
        tables.transaction(trx),
      )
      return log.append(trx, [
        {
          event: 'custom.event',
          timestampMs: rows[0]?.now ?? 0,
          data: {
            name,
            ...(entity === undefined ? {} : { entity }),
            ...(id === undefined ? {} : { id }),
            data,
          },
          correlationId,
        },
      ])
    })
    if (stored === undefined) throw new Error('the event log took an event and returned none')
    return {
      id: stored.id,
      event: 'custom.event',
      timestamp: new Date(stored.timestampMs).toISOString(),
      data: { name, ...stored.data, data },
    }
  }
}

export type Publisher = ReturnType<typeof createPublisher>
