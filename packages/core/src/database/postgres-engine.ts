import { performance } from 'node:perf_hooks'
import {
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
  type Dialect,
} from 'kysely'
import { Pool, types } from 'pg'
import type { DatabaseOptions } from './database.ts'
import type { DialectSql } from './dialect.ts'
import type { Engine } from './engine.ts'
import type { LateValue } from './late-value.ts'
import { migrate, migrated, MIGRATION_TIMEOUT_MS } from './migrate.ts'
import { createPostgresDriver } from './postgres-driver.ts'
import { PostgresSignals } from './postgres-signals.ts'
import { createIndexBuilder } from './postgres-indexes.ts'
import { createPostgresSql } from './postgres-sql.ts'
import { PostgresWriter } from './postgres-writer.ts'
import { createScopes, type Scope } from './transaction-scope.ts'

/** int8 and numeric as numbers (we count and measure milliseconds), JSON as text: the same values as SQLite's. */
const asNumber = new Set<number>([types.builtins.INT8, types.builtins.NUMERIC])
const asText = new Set<number>([types.builtins.JSON, types.builtins.JSONB])

function createPool(options: DatabaseOptions): Pool {
  const schema = quoted(options.schema)
  const pool = new Pool({
    connectionString: options.url,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5000,
    statement_timeout: options.statementTimeoutMs ?? 30_000,
    idle_in_transaction_session_timeout: options.idleTransactionTimeoutMs ?? 15_000,
    application_name: `potok-${options.schema}`,
    // Part of the start of a connection: one that cannot have it is none, and never one that works in another schema.
    // A plan made once for a table that was empty would stay in use when it is not: planned each time.
    options: `-c search_path=${schema} -c plan_cache_mode=force_custom_plan`,
    keepAlive: true,
    types: {
      getTypeParser: (oid, format) => {
        if (asNumber.has(oid)) return Number
        if (asText.has(oid)) return String
        return types.getTypeParser(oid, format)
      },
    },
  })
  // A connection that breaks (restart of the server) must not end the process: an 'error' that nobody listens to would.
  // The client tells it, in use or not; the pool tells idle ones again.
  pool.on('error', () => {})
  pool.on('connect', (client) => {
    client.on('error', (error) => {
      options.log.warn({ context: 'Database', err: error }, 'a PostgreSQL connection broke')
    })
  })
  return pool
}

/** Asked for first: "if not exists" wants the right to create schemas even where there is nothing to create. */
async function createSchema(trx: Kysely<unknown>, schema: string): Promise<void> {
  const { rows } = await sql`select 1 from pg_namespace where nspname = ${schema}`.execute(trx)
  if (rows.length === 0) await sql`create schema ${sql.id(schema)}`.execute(trx)
}

const quoted = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`

const limitOf = ({ migrationTimeoutMs = MIGRATION_TIMEOUT_MS }: DatabaseOptions): number =>
  migrationTimeoutMs

/** Several replicas start at once: the first migrates, the others wait and find it done. */
async function migrateAlone(
  scope: Scope,
  options: DatabaseOptions,
  dialect: DialectSql,
): Promise<void> {
  const { schema, migrations, log } = options
  const trx = scope.transaction()
  // The limit of a statement is for the work of every day; it would also end the wait for the replica that migrates.
  await sql`set local statement_timeout = ${sql.lit(limitOf(options))}`.execute(trx)
  await sql`select pg_advisory_xact_lock(hashtextextended(${`potok:${schema}`}, 0))`.execute(trx)
  await createSchema(trx, schema)
  await migrate(scope, migrations, dialect, log)
}

/** Opens PostgreSQL: one pool for reads and writes, the tables in a schema of their own. */
export async function openPostgres(
  options: DatabaseOptions,
  clockOffset: LateValue,
): Promise<Engine> {
  const { log, url = '', schema } = options
  const pool = createPool(options)
  const driver = createPostgresDriver(pool)
  const dialect: Dialect = {
    createDriver: () => driver,
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  }
  const scopes = createScopes({ dialect, log })
  const writer = new PostgresWriter({
    pool,
    driver,
    scopes,
    log,
    pendingLimit: options.pendingLimit ?? 10_000,
    retries: options.writeRetries ?? 5,
    writeTimeoutMs: options.writeTimeoutMs ?? 10_000,
  })
  const signals = new PostgresSignals({ url, schema, pool, log })
  const dialectSql = createPostgresSql(clockOffset)
  const kysely = new Kysely<unknown>({ dialect })
  const engine: Engine = {
    sql: dialectSql,
    scopes,
    signals,
    write: (work, timeoutMs) => writer.write(work, timeoutMs),
    buildIndex: createIndexBuilder({ driver, kysely, schema }),
    execute: (query) => kysely.executeQuery(query),
    stats: () => writer.stats(),
    breathe: async () => {},
    kysely: <Tables>() => new Kysely<Tables>({ dialect }),
    async ping() {
      const from = performance.now()
      await sql`select 1`.execute(kysely)
      return performance.now() - from
    },
    async close() {
      await writer.close()
      await signals.close()
      await pool.end()
    },
  }
  const run = (scope: Scope) => migrateAlone(scope, options, dialectSql)
  return migrated(engine, () => writer.write(run, limitOf(options)))
}
