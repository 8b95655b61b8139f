import type { FastifyBaseLogger } from 'fastify'
import { sql } from 'kysely'
import type { Store } from '../store/index.ts'

export interface RetentionOptions {
  database: Store
  log: Pick<FastifyBaseLogger, 'info' | 'warn'>
  /** How long a tombstone keeps late writers away, milliseconds. */
  keepMs: number
  /** Pause between two sweeps, milliseconds. */
  everyMs: number
  /** Tombstones forgotten in one transaction. */
  batch: number
}

/** Forgets tombstones that are older than any write that may still be on its way. */
export function createRetention({ database, log, keepMs, everyMs, batch }: RetentionOptions) {
  let timer: NodeJS.Timeout | undefined
  let sweeping: Promise<unknown> = Promise.resolve()
  const stopping = new AbortController()

  const forgetSome = (): Promise<number> =>
    database.write(async (trx) => {
      const due = trx
        .selectFrom('documents')
        .select(['entity', 'id'])
        .where('deleted_at', '<', sql<number>`${database.now()} - ${keepMs}`)
        .limit(batch)
      const { numDeletedRows } = await trx
        .deleteFrom('documents')
        .where((where) => where(where.refTuple('entity', 'id'), 'in', due.$asTuple('entity', 'id')))
        .executeTakeFirst()
      return Number(numDeletedRows)
    })

  const retention = {
    /** @returns how many were forgotten */
    async sweep(): Promise<number> {
      let forgotten = 0
      let some: number
      do {
        some = await forgetSome()
        forgotten += some
      } while (some === batch && !stopping.signal.aborted)
      if (forgotten > 0) log.info({ forgotten }, 'tombstones forgotten')
      return forgotten
    },

    start(): void {
      const run = (): void => {
        sweeping = retention
          .sweep()
          // The store is away; the next sweep finds the same rows.
          .catch((error: unknown) => log.warn({ err: error }, 'tombstones could not be forgotten'))
          .finally(() => {
            if (!stopping.signal.aborted) timer = setTimeout(run, everyMs).unref()
          })
      }
      run()
    },

    async stop(): Promise<void> {
      stopping.abort()
      clearTimeout(timer)
      await sweeping
    },
  }
  return retention
}
