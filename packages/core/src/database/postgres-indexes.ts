import { setTimeout as pause } from 'node:timers/promises'
import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { PostgresDriver } from './postgres-driver.ts'

/** Between looks whether another replica has done with its index. */
const LOOK_AGAIN_MS = 200

export interface IndexBuilderDeps {
  driver: PostgresDriver
  /** Compiles. */
  kysely: Kysely<unknown>
  schema: string
}

/** Makes indexes beside the writers (`concurrently`), one at a time of all replicas. */
export function createIndexBuilder({ driver, kysely, schema }: IndexBuilderDeps) {
  // Tried again and again: who waits inside a statement has a snapshot, and the index waits for all of those to end.
  const lock = sql<{ locked: boolean }>`
    select pg_try_advisory_lock(hashtextextended(${`potok:${schema}:indexes`}, 0)) as locked`
  // What is left of one whose making was broken off: in the way, and of no use.
  const broken = (name: string) => sql`
    select 1 from pg_index join pg_class on pg_class.oid = pg_index.indexrelid
    where relname = ${name} and relnamespace = current_schema()::regnamespace and not indisvalid`

  return async (name: string, definition: RawBuilder<unknown>): Promise<void> => {
    const connection = await driver.acquireConnection()
    const run = <Row>(query: RawBuilder<Row>) => connection.executeQuery<Row>(query.compile(kysely))
    try {
      await connection.run('set statement_timeout = 0')
      while ((await run(lock)).rows[0]?.locked !== true) await pause(LOOK_AGAIN_MS)
      const { rows } = await run(broken(name))
      if (rows.length > 0) await run(sql`drop index concurrently ${sql.id(name)}`)
      await run(sql`create index concurrently if not exists ${sql.id(name)} ${definition}`)
    } finally {
      // Setting and lock go with the connection.
      connection.release(true)
    }
  }
}
