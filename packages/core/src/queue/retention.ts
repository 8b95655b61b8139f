import { sql } from 'kysely'
import type { AnyDatabase, AnyTransaction, DatabaseLog } from '../database/index.ts'

/** Rows removed in one transaction, so that none is long. */
const PURGE_BATCH = 1000

interface RetentionOptions {
  deadRetentionMs: number
  purgeMs: number
  log: DatabaseLog
}

function statements(database: AnyDatabase, queue: string, deadRetentionMs: number) {
  const { now } = database
  const dedupe = database.statement<object>()(
    () => sql`delete from queue_dedupe where queue = ${queue} and dedupe_key in (
      select dedupe_key from queue_dedupe where queue = ${queue} and expires_at <= ${now()}
      limit ${PURGE_BATCH})`,
  )
  const dead = database.statement<object>()(
    () => sql`delete from queue_dead where queue = ${queue} and id in (
      select id from queue_dead where queue = ${queue} and died_at <= ${now()} - ${deadRetentionMs}
      limit ${PURGE_BATCH})`,
  )
  const lanes = database.statement<object>()(
    () => sql`delete from queue_lanes where queue = ${queue} and lane in (
      select lane from queue_lanes
      where queue = ${queue} and held = 0 and ramp_from + ramp_ms <= ${now()} limit ${PURGE_BATCH})`,
  )

  return { dedupe, dead, lanes }
}

/** Removes what is past its time: dedupe keys, dead jobs, lanes about which there is nothing more to say. */
export function createRetention(
  database: AnyDatabase,
  queue: string,
  { deadRetentionMs, purgeMs, log }: RetentionOptions,
) {
  const { dedupe, dead, lanes } = statements(database, queue, deadRetentionMs)
  /** Undefined before the start and after the close. */
  let timer: NodeJS.Timeout | undefined
  const isOpen = (): boolean => timer !== undefined
  let running: Promise<void> | undefined

  /** One transaction's worth. @returns whether there may be more */
  async function removeSome(trx: AnyTransaction): Promise<boolean> {
    const removed = [await dedupe({}, trx), await dead({}, trx), await lanes({}, trx)]
    return removed.some(({ numAffectedRows }) => numAffectedRows === BigInt(PURGE_BATCH))
  }

  async function purge(): Promise<void> {
    try {
      for (let more = true; more && isOpen();) more = await database.write(removeSome)
    } catch (error) {
      log.warn(
        { context: 'Queue', queue, err: error },
        'what is past its time could not be removed',
      )
    }
    if (isOpen()) schedule()
  }

  function schedule(): void {
    timer = setTimeout(() => void (running = purge()), purgeMs).unref()
  }

  return {
    start: schedule,
    async close(): Promise<void> {
      clearTimeout(timer)
      timer = undefined
      await running
    },
  }
}
