import {
  DefaultQueryExecutor,
  Transaction,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type QueryCompiler,
  type QueryExecutor,
  type QueryResult,
} from 'kysely'
import type { AnyTransaction, DatabaseLog } from './database.ts'
import { DatabaseForeignTransaction, DatabaseTransactionOver } from './errors.ts'

/** What of a dialect knows no connection: one does for all. */
interface Speech {
  compiler: QueryCompiler
  adapter: DialectAdapter
}

const speechOf = (dialect: Dialect): Speech => ({
  compiler: dialect.createQueryCompiler(),
  adapter: dialect.createAdapter(),
})

/** Runs queries on one connection without the detours that Kysely makes for pools. */
class DirectExecutor extends DefaultQueryExecutor {
  readonly #connection: DatabaseConnection

  constructor({ compiler, adapter }: Speech, connection: DatabaseConnection, driver?: Driver) {
    super(compiler, adapter, {
      provideConnection: (consumer) =>
        driver === undefined ? consumer(connection) : borrow(driver, consumer),
    })
    this.#connection = connection
  }

  override executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return this.#connection.executeQuery<R>(query)
  }
}

async function borrow<T>(
  driver: Driver,
  consumer: (connection: DatabaseConnection) => Promise<T>,
): Promise<T> {
  const connection = await driver.acquireConnection()
  try {
    return await consumer(connection)
  } finally {
    await driver.releaseConnection(connection)
  }
}

/**
 * An executor that runs single queries on `connection`.
 * @param driver lends connections to those who keep one: transactions and streams
 */
export const createDirectExecutor = (
  dialect: Dialect,
  connection: DatabaseConnection,
  driver: Driver,
): QueryExecutor => new DirectExecutor(speechOf(dialect), connection, driver)

/** A connection that refuses queries once its transaction is over. */
class ScopedConnection implements DatabaseConnection {
  readonly #connection: DatabaseConnection
  open = true

  constructor(connection: DatabaseConnection) {
    this.#connection = connection
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (!this.open) return Promise.reject(new DatabaseTransactionOver())
    return this.#connection.executeQuery<R>(query)
  }

  streamQuery<R>(query: CompiledQuery, chunkSize?: number): AsyncIterableIterator<QueryResult<R>> {
    if (!this.open) throw new DatabaseTransactionOver()
    return this.#connection.streamQuery<R>(query, chunkSize)
  }
}

/** One transaction (on SQLite: one savepoint of a group) and what is to happen after its commit. */
export interface Scope {
  transaction<Tables>(): Transaction<Tables>
  execute<Row>(query: CompiledQuery<Row>): Promise<QueryResult<Row>>
  /** No query is accepted any more. */
  end(): void
  afterCommit(callback: () => void): void
  /** Runs the callbacks; an error of one is logged and stops nothing. */
  committed(): void
}

export type Scopes = ReturnType<typeof createScopes>

/** Makes transactions over given connections and finds the scope of a transaction again. */
export function createScopes({ dialect, log }: { dialect: Dialect; log: DatabaseLog }) {
  const scopes = new WeakMap<AnyTransaction, Scope>()
  // Transactions are begun and ended by the writers; Kysely never asks this driver for anything.
  const driver: Driver = dialect.createDriver()
  const speech = speechOf(dialect)

  function open(connection: DatabaseConnection): Scope {
    const scoped = new ScopedConnection(connection)
    const props = {
      config: { dialect },
      dialect,
      driver,
      executor: new DirectExecutor(speech, scoped),
    }
    const callbacks: (() => void)[] = []
    const scope: Scope = {
      transaction<Tables>() {
        const transaction = new Transaction<Tables>(props)
        scopes.set(transaction, scope)
        return transaction
      },
      execute: (query) => scoped.executeQuery(query),
      end: () => void (scoped.open = false),
      afterCommit: (callback) => void callbacks.push(callback),
      committed() {
        for (const callback of callbacks) {
          try {
            callback()
          } catch (error) {
            log.error({ context: 'Database', err: error }, 'a callback after commit failed')
          }
        }
      },
    }
    return scope
  }

  function of(transaction: AnyTransaction): Scope {
    const scope = scopes.get(transaction)
    if (scope === undefined) throw new DatabaseForeignTransaction()
    return scope
  }

  return { open, of }
}
