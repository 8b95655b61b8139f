import { performance } from 'node:perf_hooks'
import { sql } from 'kysely'
import type { AnyDatabase } from '../database/index.ts'

/**
 * An embedded store belongs to one process: a lease that is older than this process was held by one that is dead. Its
 * jobs need not wait for the lease to end. With several replicas nobody can know, and the lease decides.
 * @param startedAt when this process started, epoch milliseconds
 * @returns ends such leases; how many there were
 */
export function createInheritance(
  database: AnyDatabase,
  queue: string,
  leaseMs: number,
  startedAt: number = performance.timeOrigin,
): () => Promise<number> {
  return async () => {
    if (database.dialect !== 'sqlite') return 0
    const { numAffectedRows = 0n } = await database.write((trx) =>
      sql`update queue_jobs set lease_until = ${database.now()}
        where queue = ${queue} and state = 1 and lease_until > ${database.now()}
          and lease_until - ${leaseMs} < ${Math.floor(startedAt)}`.execute(
        database.as<object>().transaction(trx),
      ),
    )
    return Number(numAffectedRows)
  }
}
