import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { DatabaseLog, DatabaseStats } from './database.ts'
import { DatabaseUnavailable, DatabaseWriteAborted, DatabaseWriteTimeout } from './errors.ts'
import type { PostgresConnection, PostgresDriver } from './postgres-driver.ts'
import { isRepeatable } from './postgres-errors.ts'
import type { Scope, Scopes } from './transaction-scope.ts'
import { within } from './write-deadline.ts'

/** Pause before the first repetition; twice as long each time, spread by chance. */
const REPEAT_BASE_MS = 5

export interface PostgresWriterOptions {
  pool: Pool
  driver: PostgresDriver
  scopes: Scopes
  log: DatabaseLog
  pendingLimit: number
  retries: number
  writeTimeoutMs: number
}

/** Every write is a transaction of its own (READ COMMITTED), run again when PostgreSQL asks for it. */
export class PostgresWriter {
  readonly #options: PostgresWriterOptions
  readonly #stats = { commits: 0, writes: 0 }
  readonly #running = new Set<Promise<unknown>>()
  #closed = false

  constructor(options: PostgresWriterOptions) {
    this.#options = options
  }

  /** @param timeoutMs another limit than that of all writes */
  async write<T>(
    work: (scope: Scope) => Promise<T>,
    timeoutMs = this.#options.writeTimeoutMs,
  ): Promise<T> {
    if (this.#closed) throw new DatabaseUnavailable('it is closed')
    if (this.#options.pool.waitingCount >= this.#options.pendingLimit) {
      throw new DatabaseUnavailable('too many writes wait')
    }
    const write = this.#repeat(work, timeoutMs)
    this.#running.add(write)
    try {
      return await write
    } finally {
      this.#running.delete(write)
    }
  }

  stats(): DatabaseStats {
    return { ...this.#stats, waiting: this.#options.pool.waitingCount }
  }

  /** Refuses new writes and waits for those that were accepted. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#running)
  }

  async #repeat<T>(work: (scope: Scope) => Promise<T>, timeoutMs: number): Promise<T> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await this.#attempt(work, timeoutMs)
      } catch (error) {
        if (!isRepeatable(error) || failures >= this.#options.retries) throw error
        this.#options.log.debug({ context: 'Database', err: error }, 'the transaction is run again')
        await delay(REPEAT_BASE_MS * 2 ** failures * (0.5 + Math.random()))
      }
    }
  }

  async #attempt<T>(work: (scope: Scope) => Promise<T>, timeoutMs: number): Promise<T> {
    const connection = await this.#options.driver.acquireConnection()
    const scope = this.#options.scopes.open(connection)
    let broken = true
    try {
      await connection.run('begin')
      const value = await within(work(scope), timeoutMs)
      scope.end()
      if ((await connection.run('commit')) !== 'COMMIT') throw new DatabaseWriteAborted()
      broken = false
      this.#stats.commits += 1
      this.#stats.writes += 1
      scope.committed()
      return value
    } catch (error) {
      scope.end()
      broken = !(await this.#rolledBack(connection, error))
      throw error
    } finally {
      connection.release(broken)
    }
  }

  async #rolledBack(connection: PostgresConnection, error: unknown): Promise<boolean> {
    // A query of the overdue write may still run on this connection: it is of no use to others.
    if (error instanceof DatabaseUnavailable || error instanceof DatabaseWriteTimeout) return false
    try {
      await connection.run('rollback')
      return true
    } catch (rollbackError) {
      this.#options.log.warn(
        { context: 'Database', err: rollbackError },
        'rollback failed, connection dropped',
      )
      return false
    }
  }
}
