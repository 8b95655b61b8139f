import { isStatementTimeout, type AnyDatabase } from '@potok/core/database'
import { sql, type CompiledQuery } from 'kysely'
import { ReadTooLong } from './errors.ts'
import type { LongReads, LongReadsOptions } from './long-reads.ts'
import { createPlaces } from './places.ts'

/**
 * On PostgreSQL the server keeps the time; the places leave connections of the pool to the others. Each read is the work
 * of one process: with helpers of its own an expensive one takes the cores from everybody.
 */
export function createPostgresLongReads(
  database: AnyDatabase,
  { limitMs, ...places }: LongReadsOptions,
): LongReads {
  const { kysely } = database.as<unknown>()
  const inPlace = createPlaces(places)
  const limit = sql`select set_config('statement_timeout', ${sql.lit(String(limitMs))}, true),
    set_config('max_parallel_workers_per_gather', '0', true)`
  async function quick<Row>(query: CompiledQuery<Row>): Promise<Row[]> {
    try {
      return await kysely.transaction().execute(async (trx) => {
        await limit.execute(trx)
        return (await trx.executeQuery(query)).rows
      })
    } catch (error) {
      throw isStatementTimeout(error) ? new ReadTooLong() : error
    }
  }
  return {
    run: (query) => inPlace(() => quick(query)),
    quick,
    close: async () => {},
  }
}
