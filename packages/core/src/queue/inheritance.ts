import { performance } from 'node:perf_hooks'
import { sql } from 'kysely'
import type { AnyDatabase, DatabaseLog } from '../database/index.ts'

export interface InheritanceOptions {
  database: AnyDatabase
  name: string
  leaseMs: number
  log: DatabaseLog
  /** When this process started, epoch milliseconds. */
  startedAt?: number
  /** There is work that nobody holds any more. */
  inherited: () => void
}

/**
 * An embedded store belongs to one process: a lease that is older than this process was held by one that is dead, and
 * its jobs need not wait for the lease to end. With several replicas nobody can know, and the lease decides.
 */
export async function inherit(options: InheritanceOptions): Promise<void> {
  const { database, name, leaseMs, log, startedAt = performance.timeOrigin, inherited } = options
  if (database.dialect !== 'sqlite') return
  try {
    const { numAffectedRows = 0n } = await database.write((trx) =>
      sql`update queue_jobs set lease_until = ${database.now()}
        where queue = ${name} and state = 1 and lease_until > ${database.now()}
          and lease_until - ${leaseMs} < ${Math.floor(startedAt)}`.execute(
        database.as<object>().transaction(trx),
      ),
    )
    if (numAffectedRows === 0n) return
    log.info(
      { queue: name, jobs: Number(numAffectedRows) },
      'took over the jobs of a process that died',
    )
    inherited()
  } catch (error) {
    // Then they are taken up when their leases end.
    log.warn(
      { err: error, queue: name },
      'the jobs of a dead process could not be taken over at once',
    )
  }
}
