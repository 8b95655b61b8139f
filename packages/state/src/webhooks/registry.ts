import { performance } from 'node:perf_hooks'
import { sql } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { subscriberOf, type DeliveryDefaults, type Subscriber } from './subscriber.ts'
import type { WebhookSubscriptionsTable, WebhookTables } from './tables.ts'

/** The subscriptions at one moment. */
export interface Snapshot {
  version: number
  byId: ReadonlyMap<string, Subscriber>
}

export interface RegistryOptions {
  database: AnyDatabase
  defaults: DeliveryDefaults
  /** How old the copy may be that deliveries are sent by; what other replicas changed is seen after this. */
  freshMs: number
}

const NOTHING: Snapshot = { version: 0, byId: new Map() }

function statements(database: AnyDatabase) {
  const lock = (name: string) => sql`select ${sql.raw(name)}(
    hashtextextended(current_schema() || ':webhooks', 0))`
  return {
    look: database.statement<object>()(
      () => sql<{ version: number; at: number }>`
        select version, ${database.now()} as at from webhook_registry where id = 1`,
    ),
    touch: database.statement<object>()(
      () => sql`update webhook_registry set version = version + 1 where id = 1`,
    ),
    share: database.statement<object>()(() => lock('pg_advisory_xact_lock_shared')),
    exclude: database.statement<object>()(() => lock('pg_advisory_xact_lock')),
  }
}

/** A copy of all subscriptions, and the means to know whether it is the current one. */
export class Registry {
  readonly #options: RegistryOptions
  readonly #run: ReturnType<typeof statements>
  #snapshot = NOTHING
  /** `performance.now()` until which the copy is taken for current. */
  #freshUntil = 0
  /** Store time minus `performance.now()`, when it was last looked. */
  #clock = 0
  #looking: Promise<void> | undefined

  constructor(options: RegistryOptions) {
    this.#options = options
    this.#run = statements(options.database)
  }

  /** The copy as it is. */
  get known(): Snapshot {
    return this.#snapshot
  }

  /** Epoch ms by the store's clock, as of the last look. */
  get storeTime(): number {
    return this.#clock + performance.now()
  }

  /**
   * The subscriptions that an event of this transaction must match: all that are acknowledged before its commit.
   * On PostgreSQL whoever changes a subscription waits for the transactions that looked, and they wait for him.
   */
  async inTransaction(trx: AnyTransaction): Promise<Snapshot> {
    if (this.#options.database.dialect === 'postgres') await this.#run.share({}, trx)
    // A statement of its own: it must see what was committed while the lock was waited for.
    return this.#load(trx)
  }

  /** The subscriptions, at most `freshMs` old. */
  async fresh(): Promise<Snapshot> {
    if (performance.now() >= this.#freshUntil) {
      this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
      await this.#looking
    }
    return this.#snapshot
  }

  /** Must come first in a transaction that changes what events match: see {@link Registry.inTransaction}. */
  async lock(trx: AnyTransaction): Promise<void> {
    if (this.#options.database.dialect === 'postgres') await this.#run.exclude({}, trx)
  }

  /** In a transaction that changes a subscription: every copy is out of date after it. */
  async touch(trx: AnyTransaction): Promise<void> {
    await this.#run.touch({}, trx)
    this.#options.database.afterCommit(trx, () => (this.#freshUntil = 0))
  }

  async #look(): Promise<void> {
    const until = performance.now() + this.#options.freshMs
    await this.#load()
    this.#freshUntil = until
  }

  async #load(trx?: AnyTransaction): Promise<Snapshot> {
    const [row] = (await this.#run.look({}, trx)).rows
    if (row === undefined) throw new Error('The registry of webhooks has lost its version')
    this.#clock = row.at - performance.now()
    if (row.version === this.#snapshot.version) return this.#snapshot
    const snapshot = await this.#read(trx)
    // A transaction that waited long may be behind.
    if (snapshot.version > this.#snapshot.version) this.#snapshot = snapshot
    return snapshot
  }

  /** Version and rows in one statement, which is one snapshot of the store. */
  async #read(trx?: AnyTransaction): Promise<Snapshot> {
    const { database, defaults } = this.#options
    const tables = database.as<WebhookTables>()
    const { rows } = await sql<{ version: number } & WebhookSubscriptionsTable>`
      select s.*, r.version from webhook_registry r
      left join webhook_subscriptions s on true where r.id = 1`.execute(
      trx === undefined ? tables.kysely : tables.transaction(trx),
    )
    const found = rows.filter(({ id }) => id !== null)
    const subscribers = found.map((row) => subscriberOf(row, defaults))
    return {
      version: rows[0]?.version ?? 0,
      byId: new Map(subscribers.map((subscriber) => [subscriber.id, subscriber])),
    }
  }
}
