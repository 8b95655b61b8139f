import type { AnyDatabase } from '@potok/core/database'
import { sql } from 'kysely'
import type { AnswersDeps } from './answers.ts'
import type { IdempotencyTables } from './tables.ts'

/** Rows removed in one transaction. */
const BATCH = 1000

/** @returns how many were removed, at most {@link BATCH} */
function removeSome(store: AnyDatabase, retentionMs: number): Promise<number> {
  return store.write(async (trx) => {
    const { numDeletedRows } = await store
      .as<IdempotencyTables>()
      .transaction(trx)
      .deleteFrom('idempotency_keys')
      .where('id', 'in', (db) =>
        db
          .selectFrom('idempotency_keys')
          .select('id')
          .where('created_at', '<', sql<number>`${store.now()} - ${retentionMs}`)
          .orderBy('created_at')
          .limit(BATCH),
      )
      .executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  })
}

/** Removes answers that are past their retention. @returns how many */
export async function purge({ store, retentionMs }: AnswersDeps): Promise<number> {
  for (let removed = 0; ;) {
    const some = await removeSome(store, retentionMs)
    removed += some
    if (some < BATCH) return removed
  }
}
