import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { bindable } from './late-value.ts'
import { fromPostgres } from './postgres-errors.ts'

const CHANGES = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE'])

/** One connection out of the pool. */
export class PostgresConnection implements DatabaseConnection {
  readonly #client: PoolClient

  constructor(client: PoolClient) {
    this.#client = client
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const values = query.parameters.map(bindable)
    const name = 'name' in query && typeof query.name === 'string' ? { name: query.name } : {}
    try {
      const { command, rowCount, rows } = await this.#client.query({
        text: query.sql,
        values,
        ...name,
      })
      return CHANGES.has(command) ? { numAffectedRows: BigInt(rowCount ?? 0), rows } : { rows }
    } catch (error) {
      throw fromPostgres(error)
    }
  }

  // oxlint-disable-next-line require-yield -- Kysely's interface wants a generator; this one only refuses
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error(
      'Streams keep a connection for as long as their reader pleases: read page by page',
    )
  }

  /** @returns the command tag: a `commit` of a failed transaction answers `ROLLBACK` and no error */
  async run(text: string): Promise<string> {
    try {
      const { command } = await this.#client.query(text)
      return command
    } catch (error) {
      throw fromPostgres(error)
    }
  }

  /** @param broken the connection is not put back into the pool */
  release(broken: boolean): void {
    this.#client.release(broken)
  }
}

export type PostgresDriver = ReturnType<typeof createPostgresDriver>

/** Lends connections of the pool to Kysely. */
export function createPostgresDriver(pool: Pool) {
  async function acquireConnection(): Promise<PostgresConnection> {
    try {
      return new PostgresConnection(await pool.connect())
    } catch (error) {
      throw fromPostgres(error)
    }
  }
  const run = async (connection: DatabaseConnection, command: string): Promise<void> => {
    if (connection instanceof PostgresConnection) await connection.run(command)
  }
  return {
    init: async () => {},
    acquireConnection,
    async releaseConnection(connection: DatabaseConnection) {
      if (connection instanceof PostgresConnection) connection.release(false)
    },
    // One snapshot for all its queries: reads are the only use of Kysely's own transactions here.
    beginTransaction: (connection: DatabaseConnection) =>
      run(connection, 'begin isolation level repeatable read read only'),
    commitTransaction: (connection: DatabaseConnection) => run(connection, 'commit'),
    rollbackTransaction: (connection: DatabaseConnection) => run(connection, 'rollback'),
    destroy: async () => {},
  } satisfies Driver
}
