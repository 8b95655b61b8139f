import { sql } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { observe, type HealthRules, type Observation } from './endpoint-health.ts'
import type { WebhookTables } from './tables.ts'

/** What became of a subscription by the attempts that were noted. */
export interface Change {
  id: string
  url: string
  failures: number
  /** It was deactivated just now, for this reason. */
  disabled?: string
  /** Its first success since it was re-activated. */
  recovered: boolean
}

/** An attempt, and which endpoint of its subscription it was made at. */
export interface Noted extends Observation {
  endpointVersion: number
}

/** How old the time of the last delivery may be that is shown: it would be a write for every delivery. */
const SHOWN_MS = 1000

function statements(database: AnyDatabase) {
  const given = (ids: Parameters<AnyDatabase['rows']>[0]) =>
    sql`(select id from ${database.rows(ids, { id: 'text' })} as g)`
  return {
    // Most deliveries succeed at endpoints that were well before: these rows are not written again and again.
    fine: database.statement<{ ids: string; at: number }>()(
      (slot) => sql`
        update webhook_subscriptions set last_delivery_at = ${slot('at')}
        where id in ${given(slot('ids'))}
          and (last_delivery_at is null or last_delivery_at + ${sql.lit(SHOWN_MS)} < ${slot('at')})`,
    ),
    unwell: database.statement<{ ids: string }>()(
      (slot) => sql<{ id: string }>`
        select id from webhook_subscriptions where id in ${given(slot('ids'))}
          and (consecutive_failures > 0 or recovering = 1 or last_error is not null)`,
    ),
  }
}

const idsOf = (ids: readonly string[]): string => JSON.stringify(ids.map((id) => ({ id })))

/** Keeps the health of endpoints with their subscriptions. */
export class HealthNotes {
  readonly #database: AnyDatabase
  readonly #rules: HealthRules
  readonly #run: ReturnType<typeof statements>

  constructor(database: AnyDatabase, rules: HealthRules) {
    this.#database = database
    this.#rules = rules
    this.#run = statements(database)
  }

  /**
   * Takes note of attempts in the transaction that settles them.
   * @param at epoch ms by the store's clock
   * @returns the subscriptions that were deactivated or have recovered
   */
  async take(
    trx: AnyTransaction,
    observed: ReadonlyMap<string, readonly Noted[]>,
    at: number,
  ): Promise<Change[]> {
    // One order for all replicas, or they would wait for each other.
    const ids = [...observed.keys()].toSorted()
    const { rows } = await this.#run.unwell({ ids: idsOf(ids) }, trx)
    const unwell = new Set(rows.map(({ id }) => id))
    const changes: Change[] = []
    const fine: string[] = []
    for (const id of ids) {
      const observations = observed.get(id) ?? []
      if (!unwell.has(id) && observations.every(({ ok }) => ok)) {
        fine.push(id)
        continue
      }
      const change = await this.#change(trx, id, observations, at)
      if (change?.disabled !== undefined || change?.recovered === true) changes.push(change)
    }
    if (fine.length > 0) await this.#run.fine({ ids: idsOf(fine), at }, trx)
    return changes
  }

  async #change(
    trx: AnyTransaction,
    id: string,
    noted: readonly Noted[],
    at: number,
  ): Promise<Change | undefined> {
    const tables = this.#database.as<WebhookTables>().transaction(trx)
    const select = tables.selectFrom('webhook_subscriptions').selectAll().where('id', '=', id)
    const locked = this.#database.dialect === 'postgres' ? select.forUpdate() : select
    const row = await locked.executeTakeFirst()
    // The subscription has moved, or was re-activated, since they were sent.
    const observations = noted.filter(
      ({ endpointVersion }) => endpointVersion === row?.endpoint_version,
    )
    if (row === undefined || observations.length === 0) return undefined
    const before = {
      failures: row.consecutive_failures,
      countedAt: row.counted_failure_at,
      lastError: row.last_error,
    }
    const { failures, countedAt, lastError, disable } = observe(before, observations, this.#rules)
    const ok = observations.some((observation) => observation.ok)
    const disabled = row.active === 1 ? disable : undefined
    await tables
      .updateTable('webhook_subscriptions')
      .set({
        consecutive_failures: failures,
        counted_failure_at: countedAt,
        last_error: lastError,
        ...(ok ? { last_delivery_at: at, recovering: 0 } : {}),
        ...(disabled === undefined ? {} : { active: 0, disabled_reason: disabled, updated_at: at }),
      })
      .where('id', '=', id)
      .execute()
    const recovered = ok && row.recovering === 1
    return {
      id,
      url: row.url,
      failures,
      recovered,
      ...(disabled === undefined ? {} : { disabled }),
    }
  }
}
