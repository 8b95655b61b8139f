import { EntityEvent } from '@potok/contracts/event'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { createParser } from '@potok/core/validation'
import type { BotTables } from './tables.ts'

export interface TaskEventsOptions {
  database: AnyDatabase
  /** A task that was quiet for so long is settled. */
  quietMs: number
  /** So long at most a task that never rests is waited for. */
  patienceMs: number
}

interface Untold {
  events: EntityEvent[]
  isSettled: boolean
  isAll: boolean
}

export type TaskEvents = ReturnType<typeof createTaskEvents>

const parse = createParser(EntityEvent)
/** Events of one task told together at most; the rest with the next look. */
const TOGETHER = 500

/** The events of tasks that the state service gave us, until those concerned are told. */
export function createTaskEvents({ database, quietMs, patienceMs }: TaskEventsOptions) {
  const tables = database.as<BotTables>()
  return {
    /** @returns false when it is a repetition */
    async keep(trx: AnyTransaction, event: EntityEvent): Promise<boolean> {
      const row = await tables
        .transaction(trx)
        .insertInto('bot_task_events')
        .values({
          event_id: event.id,
          task_id: event.data.id,
          version: event.data.version,
          event: database.json(event),
          received_at: database.now(),
          told_at: null,
        })
        .onConflict((conflict) => conflict.column('event_id').doNothing())
        .returning('event_id')
        .executeTakeFirst()
      return row !== undefined
    },

    /** What nobody was told of yet, by version: whether it is time to, and whether that is all. */
    async untold(taskId: string): Promise<Untold> {
      const rows = await tables.kysely
        .selectFrom('bot_task_events')
        .select(['event', 'received_at', database.now().as('now')])
        .where('task_id', '=', taskId)
        .where('told_at', 'is', null)
        .orderBy('version')
        .limit(TOGETHER)
        .execute()
      const times = rows.map(({ received_at: at }) => at)
      const now = rows[0]?.now ?? 0
      const isSettled =
        now - Math.max(...times) >= quietMs || now - Math.min(...times) >= patienceMs
      const untold = rows.map(({ event }) => parse(JSON.parse(event)))
      return { events: untold, isSettled, isAll: rows.length < TOGETHER }
    },

    async markTold(trx: AnyTransaction, eventIds: readonly string[]): Promise<void> {
      if (eventIds.length === 0) return
      await tables
        .transaction(trx)
        .updateTable('bot_task_events')
        .set({ told_at: database.now() })
        .where('event_id', 'in', [...eventIds])
        .execute()
    },
  }
}
