import type { Subscription } from '@potok/contracts/webhook'
import type { AnyDatabase } from '@potok/core/database'
import { backlogs } from './backlog.ts'
import type { DeliveryLog } from './delivery-log.ts'
import type { Dispatcher } from './dispatcher.ts'
import { SubscriptionNotFound } from './errors.ts'
import { subscriptionOf, type Row } from './subscription-row.ts'
import type { DeliveryDefaults } from './subscriber.ts'
import type { WebhookTables } from './tables.ts'

export interface SubscriptionListDeps {
  database: AnyDatabase
  dispatcher: Dispatcher
  log: DeliveryLog
  defaults: DeliveryDefaults
}

/** Shows subscriptions with what waits for them. */
export function createSubscriptionList(deps: SubscriptionListDeps) {
  const { database, defaults } = deps
  const rows = () =>
    database.as<WebhookTables>().kysely.selectFrom('webhook_subscriptions').selectAll()

  async function show(row: Row): Promise<Subscription> {
    const backlogOf = await backlogs(deps, [row.id])
    return subscriptionOf(row, defaults, backlogOf(row.id))
  }

  return {
    show,
    /** Shows rows of a transaction that has not committed yet: its backlog is read now, before it begins. */
    async presenter(
      wanted: { id: string } | { actor: string; externalId: string | undefined },
    ): Promise<(row: Row, secret?: string) => Subscription> {
      const found =
        'id' in wanted
          ? rows().where('id', '=', wanted.id)
          : rows()
              .where('created_by', '=', wanted.actor)
              .where('external_id', '=', wanted.externalId ?? '')
      const known = await found.executeTakeFirst()
      const backlogOf = await backlogs(deps, known === undefined ? [] : [known.id])
      return (row, secret) => subscriptionOf(row, defaults, backlogOf(row.id), secret)
    },
    /** @throws SubscriptionNotFound */
    async find(id: string): Promise<Subscription> {
      const row = await rows().where('id', '=', id).executeTakeFirst()
      if (row === undefined) throw new SubscriptionNotFound(id)
      return show(row)
    },
    /** In the order of their ids. @param after the last one of the page before */
    async page(limit: number, after = ''): Promise<{ items: Subscription[]; nextCursor?: string }> {
      const found = await rows().where('id', '>', after).orderBy('id').limit(limit).execute()
      const backlogOf = await backlogs(
        deps,
        found.map(({ id }) => id),
      )
      const items = found.map((row) => subscriptionOf(row, defaults, backlogOf(row.id)))
      const last = found.at(-1)
      return { items, ...(found.length === limit && last ? { nextCursor: last.id } : {}) }
    },
  }
}

export type SubscriptionList = ReturnType<typeof createSubscriptionList>
