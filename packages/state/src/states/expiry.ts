import { randomUUID } from 'node:crypto'
import type { AnyDatabase, AnyTransaction, DatabaseLog } from '@potok/core/database'
import type { Order } from './command.ts'
import type { StateTables } from './tables.ts'
import type { Writer } from './writer.ts'

export interface ExpiryDeps {
  store: AnyDatabase
  writer: Writer
  transact: <T>(work: (trx: AnyTransaction) => Promise<T>) => Promise<T>
  log: Pick<DatabaseLog, 'warn'>
  /** Pause between two looks, milliseconds. */
  sweepMs: number
  /** Expiries in one transaction. */
  batch?: number
}

/** Who lets a status expire, in the history. */
const ACTOR = 'system:ttl'

/**
 * Lets statuses expire. Every replica sweeps: what is due is looked at again once it is locked, so that an expiry
 * happens once and a heartbeat that came meanwhile wins.
 */
export function createExpiry({ store, writer, transact, log, sweepMs, batch = 100 }: ExpiryDeps) {
  const { kysely } = store.as<StateTables>()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<unknown> = Promise.resolve()

  function due(): Promise<{ entity: string; entity_id: string }[]> {
    return kysely
      .selectFrom('states')
      .select(['entity', 'entity_id'])
      .where('expires_at', 'is not', null)
      .where('expires_at', '<=', store.now())
      .orderBy('expires_at')
      .limit(batch)
      .execute()
  }

  async function sweep(): Promise<number> {
    for (let expired = 0; ;) {
      const rows = await due()
      if (rows.length === 0) return expired
      const by = { actor: ACTOR, scope: 'all', correlationId: `ttl-${randomUUID()}` } as const
      const orders = rows.map(({ entity, entity_id: entityId }): Order => ({
        command: { op: 'expire', entity, entityId },
        by,
      }))
      const results = await transact((trx) => writer.run(trx, orders, 'partial'))
      const done = results.filter(({ kind }) => kind === 'changed' || kind === 'touched').length
      expired += done
      // The rest is another replica's, or was renewed meanwhile.
      if (rows.length < batch || done === 0) return expired
    }
  }

  function schedule(): void {
    timer = setTimeout(() => {
      running = sweep()
        .catch((error: unknown) => log.warn({ err: error }, 'the expiry sweep failed'))
        .then(() => timer && schedule())
    }, sweepMs)
    timer.unref()
  }

  return {
    /** Looks now. @returns how many statuses expired */
    sweep,
    start: schedule,
    async close(): Promise<void> {
      clearTimeout(timer)
      timer = undefined
      await running
    },
  }
}
