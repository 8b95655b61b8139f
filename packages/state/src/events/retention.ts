import type { AnyDatabase, AnyTransaction, DatabaseLog } from '@potok/core/database'
import type { EventTables } from './tables.ts'

const DAY_MS = 86_400_000
/** Events removed in one transaction. */
const BATCH = 500

export interface RetentionDeps {
  database: AnyDatabase
  log: DatabaseLog
  /** Events older than this are removed. */
  days: number
  /** Epoch ms, whole: nothing from then on is removed, however old. Undefined: nobody needs anything. */
  neededFrom: () => Promise<number | undefined>
}

/** The greatest position of the next batch that is too old; undefined: nothing is. */
async function boundary({
  database,
  days,
  neededFrom,
}: RetentionDeps): Promise<number | undefined> {
  const needed = (await neededFrom()) ?? Number.MAX_SAFE_INTEGER
  const { kysely } = database.as<EventTables>()
  const { purged } = await kysely
    .selectFrom('event_log_head')
    .select('purged')
    .where('id', '=', 1)
    .executeTakeFirstOrThrow()
  const batch = await kysely
    .selectFrom('event_log')
    .select((row) => [
      'position',
      row
        .and([
          row('timestamp_ms', '<', row(database.now(), '-', days * DAY_MS)),
          row('timestamp_ms', '<', needed),
        ])
        .$castTo<boolean | number>()
        .as('old'),
    ])
    .where('position', '>', purged)
    .orderBy('position')
    .limit(BATCH)
    .execute()
  const young = batch.findIndex(({ old }) => !old)
  const last = young === -1 ? batch.at(-1) : batch[young - 1]
  return last?.position ?? undefined
}

async function remove(database: AnyDatabase, trx: AnyTransaction, upTo: number): Promise<number> {
  const tables = database.as<EventTables>().transaction(trx)
  const { numUpdatedRows } = await tables
    .updateTable('event_log_head')
    .set({ purged: upTo })
    .where('id', '=', 1)
    .where('purged', '<', upTo)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return 0
  // The stretch of the last removed position stays: its cursor can still be continued.
  await tables
    .deleteFrom('event_epochs')
    .where('after_position', '<', (row) =>
      row
        .selectFrom('event_epochs as kept')
        .select(({ fn }) => fn.max('kept.after_position').as('after'))
        .where('kept.after_position', '<', upTo),
    )
    .execute()
  const { numDeletedRows } = await tables
    .deleteFrom('event_log')
    .where('position', '<=', upTo)
    .executeTakeFirst()
  return Number(numDeletedRows)
}

/** Removes the beginning of the log that is too old, in log order: what is left has no gap. */
export async function purgeEvents(deps: RetentionDeps, signal: AbortSignal): Promise<void> {
  const { database, log } = deps
  let removed = 0
  while (!signal.aborted) {
    const upTo = await boundary(deps)
    if (upTo === undefined) break
    removed += await database.write((trx) => remove(database, trx, upTo))
  }
  if (removed > 0) log.info({ removed }, 'events past their retention removed')
}
