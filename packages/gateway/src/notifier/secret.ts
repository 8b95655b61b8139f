import { randomBytes } from 'node:crypto'
import type { Database } from '@potok/core/database'
import type { NotifierTables } from './tables.ts'

const NAME = 'state-webhook'

/** The secret that the state service signs with. Made once; replicas that start together agree on one. */
export async function webhookSecret(store: Database<NotifierTables>): Promise<string> {
  return store.write(async (trx) => {
    const value = `whsec_${randomBytes(24).toString('base64')}`
    await trx
      .insertInto('notifier_secrets')
      .values({ name: NAME, value, created_at: store.now() })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .execute()
    const row = await trx
      .selectFrom('notifier_secrets')
      .select('value')
      .where('name', '=', NAME)
      .executeTakeFirstOrThrow()
    return row.value
  })
}
