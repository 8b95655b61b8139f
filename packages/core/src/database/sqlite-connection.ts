import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite'
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely'
import { fromSqlite } from './sqlite-errors.ts'

interface Prepared {
  statement: StatementSyncInstance
  /** It yields rows: a select, or a change with `returning`. */
  yields: boolean
}

/**
 * One SQLite connection with its prepared statements, the least recently used dropped first.
 * Preparing costs ten times as much as running a small statement.
 */
export class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSyncInstance
  readonly #bind: (value: unknown) => unknown
  readonly #statementLimit: number
  readonly #prepared = new Map<string, Prepared>()

  /** @param bind turns a parameter into what this SQLite takes */
  constructor(
    database: DatabaseSyncInstance,
    bind: (value: unknown) => unknown,
    statementLimit: number,
  ) {
    this.#database = database
    this.#bind = bind
    this.#statementLimit = statementLimit
  }

  /** Synchronous, like SQLite. */
  execute<R>({ sql, parameters }: CompiledQuery): QueryResult<R> {
    try {
      const { statement, yields } = this.#prepare(sql)
      const values = parameters.map(this.#bind)
      if (yields) return { rows: statement.all(...values) }
      const { changes, lastInsertRowid } = statement.run(...values)
      return {
        numAffectedRows: BigInt(changes),
        insertId: BigInt(lastInsertRowid),
        rows: [],
      }
    } catch (error) {
      throw fromSqlite(error)
    }
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return this.execute(query)
  }

  /** Reads row by row; the connection stays inside one snapshot until the caller has seen the last. */
  async *streamQuery<R>({ sql, parameters }: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    // Not a cached statement: two readers of one statement would reset each other.
    const statement = this.#database.prepare(sql)
    for (const row of statement.iterate(...parameters.map(this.#bind))) yield { rows: [row] }
  }

  /** A statement without parameters and rows, such as `commit`. */
  run(sql: string): void {
    try {
      this.#prepare(sql).statement.run()
    } catch (error) {
      throw fromSqlite(error)
    }
  }

  close(): void {
    this.#prepared.clear()
    this.#database.close()
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql)
    if (known !== undefined) {
      this.#prepared.delete(sql)
      this.#prepared.set(sql, known)
      return known
    }
    const statement = this.#database.prepare(sql)
    const prepared = { statement, yields: statement.columns().length > 0 }
    this.#prepared.set(sql, prepared)
    if (this.#prepared.size > this.#statementLimit) {
      const [oldest] = this.#prepared.keys()
      if (oldest !== undefined) this.#prepared.delete(oldest)
    }
    return prepared
  }
}
