import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { SubscriptionChange, SubscriptionCreate } from '@potok/contracts/webhook'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import type { FastifyInstance } from 'fastify'
import type { Answer, Claim } from '../idempotency/index.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { DeliveryLog } from './delivery-log.ts'
import {
  aboutField,
  NoRotation,
  SubscriptionNotFound,
  TimeoutTooLong,
  TooManySubscriptions,
} from './errors.ts'
import type { Registry } from './registry.ts'
import { checkSecret, newSecret } from './secret.ts'
import { settingsOf, UNSAID, type Row, type Settings } from './subscription-row.ts'
import type { DeliveryDefaults } from './subscriber.ts'
import type { WebhookTables } from './tables.ts'
import type { TargetGuard } from './target-guard.ts'

export interface SubscriptionsDeps {
  database: AnyDatabase
  registry: Registry
  dispatcher: Dispatcher
  log: DeliveryLog
  guard: TargetGuard
  defaults: DeliveryDefaults
  /** WEBHOOK_SECRET_KEY: signs what is made without a secret. */
  defaultSecret: string | undefined
  /** How long what was held takes to reach its full pace after a re-activation. */
  rampMs: number
  /** Every event is held against each of them. */
  limit: number
  once: FastifyInstance['idempotency']['once']
}

/** What a write made of a subscription. */
export interface Made {
  row: Row
  /** false: it was there before. */
  created: boolean
  /** Made up in this very write; it is not shown again. */
  secret?: string
}

/** What is answered is stored with the change when the request carries an `Idempotency-Key`. */
export interface Request {
  actor: string
  claim: Claim | undefined
  answer: (made: Made) => Answer
}

interface Checkable {
  url?: string | undefined
  timeoutMs?: number | undefined
  secret?: string | undefined
}

const BY_HAND = 'deactivated by '

/** Who brings another secret knows no older one: a rotation that is under way is over. */
const secretOf = (known: Row, secret: string): Partial<Row> =>
  secret === known.secret ? {} : { secret, previous_secret: null, previous_secret_until: null }

/** Makes, changes and ends subscriptions. Deliveries follow a change at once, those waiting too. */
export class Subscriptions {
  readonly #deps: SubscriptionsDeps

  constructor(deps: SubscriptionsDeps) {
    this.#deps = deps
  }

  /** @throws TargetRefused, TimeoutTooLong, SecretRefused: 422 */
  check({ url, timeoutMs = 0, secret }: Checkable): void {
    const { guard, defaults } = this.#deps
    if (url !== undefined) guard.check(url)
    if (timeoutMs > defaults.timeoutMs)
      throw aboutField(new TimeoutTooLong(timeoutMs, defaults.timeoutMs), 'timeoutMs')
    checkSecret(secret)
  }

  /** Makes one, or brings the caller's own of that external id to what is given, active again. */
  async create(given: SubscriptionCreate, request: Request): Promise<Answer> {
    this.check(given)
    const settings: Settings = {
      ...UNSAID,
      url: given.url,
      events: JSON.stringify(given.events),
      ...settingsOf(given),
    }
    return this.#once(request, async (trx, at) => {
      const { actor } = request
      const known = await this.#own(trx, actor, given.externalId)
      if (known === undefined) return this.#insert(trx, given, settings, { actor, at })
      const secret = given.secret ?? known.secret
      const active = known.active === 1 ? {} : await this.#activation(trx, known)
      const change = { ...settings, ...this.#moved(trx, known, given.url), ...active }
      const row = await this.#update(trx, known, { ...change, ...secretOf(known, secret) }, at)
      return { row, created: false }
    })
  }

  /** @throws SubscriptionNotFound */
  async change(id: string, given: SubscriptionChange, actor: string): Promise<Row> {
    this.check(given)
    return this.#write(async (trx, at) => {
      const known = await this.#find(trx, id)
      const activity = await this.#activity(trx, known, given.active, actor)
      const moved = this.#moved(trx, known, given.url)
      return this.#update(trx, known, { ...settingsOf(given), ...moved, ...activity }, at)
    })
  }

  /**
   * Ends one. What waits for it is cancelled by that: the dispatcher takes it out of the queue and into the log without
   * sending it, however much it is.
   * @throws SubscriptionNotFound
   */
  async remove(id: string): Promise<void> {
    const { registry, dispatcher, database } = this.#deps
    await this.#write(async (trx) => {
      const { active } = await this.#find(trx, id)
      if (active === 0) await dispatcher.queue.release(trx, id)
      const tables = database.as<WebhookTables>().transaction(trx)
      await tables.deleteFrom('webhook_subscriptions').where('id', '=', id).execute()
      await registry.touch(trx)
    })
    dispatcher.breaker.forget(id)
  }

  /** Puts a new secret in place; the old one signs too for the grace time. @throws SubscriptionNotFound */
  async rotate(
    id: string,
    given: { secret?: string; graceSeconds: number },
    request: Request,
  ): Promise<Answer> {
    checkSecret(given.secret)
    const secret = given.secret ?? newSecret()
    return this.#once(request, async (trx, at) => {
      const known = await this.#find(trx, id)
      const grace = given.graceSeconds * 1000
      const previous =
        grace === 0
          ? { previous_secret: null, previous_secret_until: null }
          : { previous_secret: known.secret, previous_secret_until: at + grace }
      const row = await this.#update(trx, known, { secret, ...previous }, at)
      return { row, created: false, ...(given.secret === undefined ? { secret } : {}) }
    })
  }

  /** Ends the grace time now. @throws SubscriptionNotFound, NoRotation */
  async finishRotation(id: string): Promise<Row> {
    return this.#write(async (trx, at) => {
      const known = await this.#find(trx, id)
      if (known.previous_secret === null) throw new NoRotation(id)
      const none = { previous_secret: null, previous_secret_until: null }
      return this.#update(trx, known, none, at)
    })
  }

  #once(
    { claim, answer }: Request,
    work: (trx: AnyTransaction, at: number) => Promise<Made>,
  ): Promise<Answer> {
    const { once } = this.#deps
    return this.#write((trx, at) => once(trx, claim, async () => answer(await work(trx, at))))
  }

  /** @param work gets the store's time; events that commit later match what it leaves */
  #write<T>(work: (trx: AnyTransaction, at: number) => Promise<T>): Promise<T> {
    const { database, registry } = this.#deps
    return database.write(async (trx) => {
      await registry.lock(trx)
      const { rows } = await sql<{ at: number }>`select ${database.now()} as at`.execute(
        database.as<WebhookTables>().transaction(trx),
      )
      return work(trx, rows[0]?.at ?? 0)
    })
  }

  async #find(trx: AnyTransaction, id: string): Promise<Row> {
    const tables = this.#deps.database.as<WebhookTables>().transaction(trx)
    const found = tables.selectFrom('webhook_subscriptions').selectAll().where('id', '=', id)
    const row = await this.#locked(found).executeTakeFirst()
    if (row === undefined) throw new SubscriptionNotFound(id)
    return row
  }

  /** Another replica may be about to deactivate it: what is decided here must come before or after that. */
  #locked<Query extends { forUpdate(): Query }>(query: Query): Query {
    return this.#deps.database.dialect === 'postgres' ? query.forUpdate() : query
  }

  async #own(
    trx: AnyTransaction,
    actor: string,
    externalId: string | undefined,
  ): Promise<Row | undefined> {
    if (externalId === undefined) return undefined
    const tables = this.#deps.database.as<WebhookTables>().transaction(trx)
    const found = tables
      .selectFrom('webhook_subscriptions')
      .selectAll()
      .where('created_by', '=', actor)
      .where('external_id', '=', externalId)
    return this.#locked(found).executeTakeFirst()
  }

  async #insert(
    trx: AnyTransaction,
    given: SubscriptionCreate,
    settings: Settings,
    { actor, at }: { actor: string; at: number },
  ): Promise<Made> {
    const { database, registry, defaultSecret, limit } = this.#deps
    const tables = database.as<WebhookTables>().transaction(trx)
    const { count } = await tables
      .selectFrom('webhook_subscriptions')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    if (count >= limit) throw new TooManySubscriptions(count)
    const said = given.secret ?? defaultSecret
    const secret = said ?? newSecret()
    const row: Row = {
      id: `sub_${randomBytes(12).toString('hex')}`,
      ...settings,
      external_id: given.externalId ?? null,
      created_by: actor,
      secret,
      previous_secret: null,
      previous_secret_until: null,
      active: 1,
      disabled_reason: null,
      consecutive_failures: 0,
      counted_failure_at: null,
      last_delivery_at: null,
      last_error: null,
      recovering: 0,
      endpoint_version: 1,
      created_at: at,
      updated_at: at,
    }
    await tables.insertInto('webhook_subscriptions').values(row).execute()
    await registry.touch(trx)
    return { row, created: true, ...(said === undefined ? { secret } : {}) }
  }

  async #update(trx: AnyTransaction, known: Row, change: Partial<Row>, at: number): Promise<Row> {
    const { database, registry } = this.#deps
    const before = new Map<string, unknown>(Object.entries(known))
    const same = Object.entries(change).every(([name, value]) => before.get(name) === value)
    if (same) return known
    const after = { ...change, updated_at: at }
    const tables = database.as<WebhookTables>().transaction(trx)
    const update = tables.updateTable('webhook_subscriptions').set(after)
    await update.where('id', '=', known.id).execute()
    await registry.touch(trx)
    return { ...known, ...after }
  }

  async #activity(
    trx: AnyTransaction,
    known: Row,
    wanted: boolean | undefined,
    actor: string,
  ): Promise<Partial<Row>> {
    if (wanted === undefined || wanted === (known.active === 1)) return {}
    if (wanted) return this.#activation(trx, known)
    await this.#deps.dispatcher.queue.hold(trx, known.id)
    return { active: 0, disabled_reason: `${BY_HAND}${actor}` }
  }

  async #activation(trx: AnyTransaction, known: Row): Promise<Partial<Row>> {
    const { dispatcher, rampMs } = this.#deps
    await dispatcher.queue.release(trx, known.id, { rampMs })
    // It was held as all the rest: to wait for a retry of before would be to wait for nothing.
    await dispatcher.queue.hurry(trx, { lane: known.id })
    return { active: 1, disabled_reason: null, recovering: 1, ...this.#afresh(trx, known) }
  }

  #moved(trx: AnyTransaction, known: Row, url = known.url): Partial<Row> {
    return url === known.url ? {} : this.#afresh(trx, known)
  }

  /** Nothing is held against the endpoint any more, nor will be what attempts under way come to. */
  #afresh(trx: AnyTransaction, { id, endpoint_version: version }: Row): Partial<Row> {
    const { dispatcher, database } = this.#deps
    database.afterCommit(trx, () => dispatcher.breaker.forget(id))
    return {
      consecutive_failures: 0,
      counted_failure_at: null,
      last_error: null,
      endpoint_version: version + 1,
    }
  }
}
