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
    // Never a number that was given before, after an old backup came back either: the time goes on.
    touch: database.statement<object>()(
      () => sql`update webhook_registry set version =
        case when version < ${database.now()} then ${database.now()} else version + 1 end where id = 1`,
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
  /** Looks are numbered: the copy is of the one that began last. */
  #looks = 0
  #snapshotLook = 0
  /** `performance.now()` until which the copy is taken for current. */
  #freshUntil = 0
  /** Store time minus `performance.now()`, when it was last looked. */
  #clock = 0
  #looking: Promise<Snapshot> | undefined

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

  /** The subscriptions as the caller's transaction sees them; what it has changed itself is not kept. */
  async current(trx: AnyTransaction): Promise<Snapshot> {
    const [row] = (await this.#run.look({}, trx)).rows
    return row?.version === this.#snapshot.version ? this.#snapshot : this.#read(trx)
  }

  /** The subscriptions, at most `freshMs` old. */
  async fresh(): Promise<Snapshot> {
    if (performance.now() >= this.#freshUntil) await (this.#looking ?? this.#look())
    return this.#snapshot
  }

  /** One of them, if the copy has it and is no older than `freshMs`. Nobody needs to wait for it then. */
  atHand(id: string): Subscriber | undefined {
    return performance.now() < this.#freshUntil ? this.#snapshot.byId.get(id) : undefined
  }

  /** One of them, at most `freshMs` old. What is not in the copy may have been made elsewhere since: it is looked for. */
  async find(id: string): Promise<Subscriber | undefined> {
    const known = (await this.fresh()).byId.get(id)
    return known ?? (await this.#load()).byId.get(id)
  }

  /** Must come first in a transaction that changes what events match: see {@link Registry.inTransaction}. */
  async lock(trx: AnyTransaction): Promise<void> {
    if (this.#options.database.dialect === 'postgres') await this.#run.exclude({}, trx)
  }

  /** In a transaction that changes a subscription: every copy is out of date after it. */
  async touch(trx: AnyTransaction): Promise<void> {
    await this.#run.touch({}, trx)
    this.#options.database.afterCommit(trx, () => {
      this.#freshUntil = 0
      // A look that is under way may have begun before.
      this.#looking = undefined
    })
  }

  #look(): Promise<Snapshot> {
    const until = performance.now() + this.#options.freshMs
    const look = this.#load()
      .then((snapshot) => {
        if (this.#looking === look) this.#freshUntil = until
        return snapshot
      })
      .finally(() => {
        if (this.#looking === look) this.#looking = undefined
      })
    this.#looking = look
    return look
  }

  async #load(trx?: AnyTransaction): Promise<Snapshot> {
    this.#looks += 1
    const look = this.#looks
    const [row] = (await this.#run.look({}, trx)).rows
    if (row === undefined) throw new Error('The registry of webhooks has lost its version')
    this.#clock = row.at - performance.now()
    if (row.version === this.#snapshot.version) return this.#snapshot
    const snapshot = await this.#read(trx)
    // Not the greater version: a backup that was put back begins again with a smaller one.
    if (look > this.#snapshotLook) {
      this.#snapshot = snapshot
      this.#snapshotLook = look
    }
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
