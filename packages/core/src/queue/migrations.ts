import { sql } from 'kysely'
import type { Migration } from '../database/index.ts'

/**
 * `queue_jobs` is the hot table: only unfinished jobs. `state`: 0 ready, 1 running, 2 waiting behind an earlier job of
 * its key, 3 scheduled for later. Only what is ready and due stands in the part of `queue_jobs_lanes` that is claimed
 * from, so that no backlog is scanned.
 */
const jobs: Migration = {
  async up(db, dialect) {
    await db.schema
      .createTable('queue_jobs')
      .addColumn('seq', dialect.serialType)
      .addColumn('queue', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('lane', 'text', (column) => column.notNull())
      .addColumn('job_key', 'text')
      .addColumn('payload', 'text', (column) => column.notNull())
      .addColumn('state', 'integer', (column) => column.notNull())
      .addColumn('sort', 'bigint', (column) => column.notNull())
      .addColumn('run_at', 'bigint', (column) => column.notNull())
      .addColumn('attempt', 'integer', (column) => column.notNull().defaultTo(1))
      .addColumn('leases', 'integer', (column) => column.notNull().defaultTo(0))
      .addColumn('fence', 'integer', (column) => column.notNull().defaultTo(0))
      .addColumn('lease_until', 'bigint')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .execute()
    for (const index of [
      sql`create unique index queue_jobs_id on queue_jobs (queue, id)`,
      sql`create index queue_jobs_lanes on queue_jobs (queue, state, lane, sort, seq)`,
      sql`create index queue_jobs_keys on queue_jobs (queue, lane, job_key, seq) where job_key is not null`,
      sql`create index queue_jobs_scheduled on queue_jobs (queue, run_at) where state = 3`,
      sql`create index queue_jobs_leases on queue_jobs (queue, lease_until) where state = 1`,
    ]) {
      await index.execute(db)
    }
    if (dialect.dialect === 'postgres') {
      // Every job dies here within seconds: vacuum at once, or claims walk over the dead.
      await sql`alter table queue_jobs set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01,
        autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0)`.execute(db)
    }
  },
}

const rest: Migration = {
  async up(db) {
    await db.schema
      .createTable('queue_dead')
      .addColumn('queue', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('lane', 'text', (column) => column.notNull())
      .addColumn('job_key', 'text')
      .addColumn('payload', 'text', (column) => column.notNull())
      .addColumn('attempt', 'integer', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('died_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('queue_dead_pk', ['queue', 'id'])
      .execute()
    await sql`create index queue_dead_lanes on queue_dead (queue, lane, died_at)`.execute(db)
    await sql`create index queue_dead_died on queue_dead (queue, died_at)`.execute(db)
    // A row only where there is something to say about the lane.
    await db.schema
      .createTable('queue_lanes')
      .addColumn('queue', 'text', (column) => column.notNull())
      .addColumn('lane', 'text', (column) => column.notNull())
      .addColumn('held', 'integer', (column) => column.notNull())
      .addColumn('ramp_from', 'bigint', (column) => column.notNull().defaultTo(0))
      .addColumn('ramp_ms', 'bigint', (column) => column.notNull().defaultTo(0))
      .addPrimaryKeyConstraint('queue_lanes_pk', ['queue', 'lane'])
      .execute()
    await db.schema
      .createTable('queue_dedupe')
      .addColumn('queue', 'text', (column) => column.notNull())
      .addColumn('dedupe_key', 'text', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('queue_dedupe_pk', ['queue', 'dedupe_key'])
      .execute()
    await sql`create index queue_dedupe_expiry on queue_dedupe (queue, expires_at)`.execute(db)
  },
}

/** Jobs of one transaction that are worked off by the process that stored them: see `bundles.ts`. */
const bundles: Migration = {
  async up(db, dialect) {
    // Small, because it is written anew whenever one of its jobs is settled.
    await db.schema
      .createTable('queue_bundles')
      .addColumn('id', dialect.serialType)
      .addColumn('queue', 'text', (column) => column.notNull())
      .addColumn('open', 'integer', (column) => column.notNull())
      .addColumn('settled', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('queue_bundle_jobs')
      .addColumn('bundle', 'integer', (column) => column.primaryKey())
      .addColumn('jobs', 'text', (column) => column.notNull())
      .execute()
  },
}

/** The tables of all queues of a database; a service merges them into its own migrations. */
export const queueMigrations: Record<string, Migration> = {
  '2026-01-01-queue-jobs': jobs,
  '2026-01-01-queue-rest': rest,
  '2026-02-queue-bundles': bundles,
}
