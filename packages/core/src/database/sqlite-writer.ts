import { performance } from 'node:perf_hooks'
import type { DatabaseLog, DatabaseStats } from './database.ts'
import { DatabaseUnavailable } from './errors.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import type { Scope, Scopes } from './transaction-scope.ts'
import { createDeadline, within } from './write-deadline.ts'

/** A write on its way. */
interface Member {
  /** Does the work inside a savepoint and returns how to acknowledge it after the commit. */
  run: (scope: Scope) => Promise<() => void>
  reject: (error: unknown) => void
  timeoutMs: number
}

/** A member whose work is done and waits for the commit. */
interface DoneMember {
  scope: Scope
  acknowledge: () => void
  reject: (error: unknown) => void
}

export interface SqliteWriterOptions {
  connection: SqliteConnection
  scopes: Scopes
  log: DatabaseLog
  pendingLimit: number
  groupLimit: number
  groupMs: number
  writeTimeoutMs: number
}

/**
 * Group commit: writes that arrive in one turn of the event loop share one transaction and so one fsync, each in its
 * own savepoint. A group runs to its commit within that turn, since SQLite is synchronous and a write only does SQL.
 */
export class SqliteWriter {
  readonly #options: SqliteWriterOptions
  readonly #connection: SqliteConnection
  readonly #deadline: ReturnType<typeof createDeadline>
  readonly #pending: Member[] = []
  readonly #stats = { commits: 0, writes: 0 }
  #scheduled = false
  #closed = false
  #whenIdle: (() => void) | undefined

  constructor(options: SqliteWriterOptions) {
    this.#options = options
    this.#connection = options.connection
    this.#deadline = createDeadline(options.writeTimeoutMs)
  }

  /** @param timeoutMs another limit than that of all writes */
  write<T>(
    work: (scope: Scope) => Promise<T>,
    timeoutMs = this.#options.writeTimeoutMs,
  ): Promise<T> {
    if (this.#closed) return Promise.reject(new DatabaseUnavailable('it is closed'))
    if (this.#pending.length >= this.#options.pendingLimit) {
      return Promise.reject(new DatabaseUnavailable('too many writes wait'))
    }
    return new Promise<T>((resolve, reject) => {
      const run = async (scope: Scope): Promise<() => void> => {
        const value = await work(scope)
        return () => resolve(value)
      }
      this.#pending.push({ run, reject, timeoutMs })
      this.#schedule()
    })
  }

  stats(): DatabaseStats {
    return { ...this.#stats, waiting: this.#pending.length }
  }

  /** Refuses new writes and waits for those that were accepted. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#scheduled) await new Promise<void>((resolve) => void (this.#whenIdle = resolve))
    this.#deadline.clear()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => void this.#runGroup())
  }

  async #runGroup(): Promise<void> {
    const done: DoneMember[] = []
    try {
      this.#connection.run('begin immediate')
      await this.#runMembers(done)
      // Pages that a savepoint gave back are still dirty: a commit would write and sync them for nobody.
      this.#connection.run(done.length > 0 ? 'commit' : 'rollback')
      this.#acknowledge(done)
    } catch (error) {
      this.#abort(done, error)
    }
    this.#scheduled = false
    if (this.#pending.length > 0) this.#schedule()
    else this.#whenIdle?.()
  }

  async #runMembers(done: DoneMember[]): Promise<void> {
    const { groupLimit, groupMs } = this.#options
    const until = performance.now() + groupMs
    for (let count = 0; count < groupLimit && performance.now() < until; count += 1) {
      const member = this.#pending.shift()
      if (member === undefined) return
      await this.#runMember(member, done)
    }
  }

  /** Throws when the whole transaction is lost, after having told the member. */
  async #runMember(member: Member, done: DoneMember[]): Promise<void> {
    const scope = this.#options.scopes.open(this.#connection)
    const { reject } = member
    try {
      this.#connection.run('savepoint member')
      const acknowledge = await this.#within(member.run(scope), member.timeoutMs)
      scope.end()
      this.#connection.run('release member')
      done.push({ scope, acknowledge, reject })
    } catch (error) {
      scope.end()
      reject(error)
      // Fails when SQLite has rolled back everything by itself (disk full, I/O error).
      this.#connection.run('rollback to member')
      this.#connection.run('release member')
    }
  }

  #within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
    return timeoutMs === this.#options.writeTimeoutMs
      ? this.#deadline.within(work)
      : within(work, timeoutMs)
  }

  #acknowledge(done: readonly DoneMember[]): void {
    if (done.length > 0) this.#stats.commits += 1
    this.#stats.writes += done.length
    for (const { acknowledge, scope } of done) {
      acknowledge()
      scope.committed()
    }
  }

  #abort(done: readonly DoneMember[], error: unknown): void {
    this.#options.log.error({ context: 'Database', err: error }, 'a group of writes was lost')
    try {
      this.#connection.run('rollback')
    } catch (rollbackError) {
      this.#options.log.debug({ context: 'Database', err: rollbackError }, 'nothing to roll back')
    }
    for (const { reject } of done) reject(error)
    // Where `begin` failed nobody had a turn: without this they would wait as long as it fails.
    const waiting = done.length === 0 ? this.#pending.splice(0, this.#options.groupLimit) : []
    for (const { reject } of waiting) reject(error)
  }
}
