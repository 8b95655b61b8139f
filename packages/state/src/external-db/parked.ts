import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { sql } from 'kysely'
import type { ExternalDbParkedTable, ExternalDbTables } from './tables.ts'

export interface Place {
  entity: string
  entityId: string
}

/** Why the external DB does not have the newest version of an entity. */
export interface Refusal extends Place {
  version: number
  /** HTTP status; 0: it was not asked. */
  status: number
  detail: string
}

export type Parked = ReturnType<typeof createParked>

const COLUMNS = {
  entity: 'text',
  entity_id: 'text',
  version: 'bigint',
  status: 'bigint',
  detail: 'text',
} as const

const json = (rows: readonly object[]): { rows: string } => ({ rows: JSON.stringify(rows) })

/** The entities that were refused, until a version of theirs is taken. */
export function createParked(store: AnyDatabase) {
  const tables = store.as<ExternalDbTables>()
  const put = store.statement<{ rows: string }>()(
    (slot) => sql`
      insert into external_db_parked (entity, entity_id, version, status, detail, parked_at)
      select entity, entity_id, version, status, detail, ${store.now()}
      from ${store.rows(slot('rows'), COLUMNS)} as given where true
      on conflict (entity, entity_id) do update set version = excluded.version,
        status = excluded.status, detail = excluded.detail, parked_at = excluded.parked_at`,
  )
  const remove = store.statement<{ rows: string }>()(
    (slot) => sql`
      delete from external_db_parked where (entity, entity_id) in (
        select entity, entity_id
        from ${store.rows(slot('rows'), { entity: 'text', entity_id: 'text' })} as given)`,
  )

  return {
    async park(trx: AnyTransaction, refusals: readonly Refusal[]): Promise<void> {
      if (refusals.length === 0) return
      const rows = refusals.map(({ entityId, ...rest }) => ({ entity_id: entityId, ...rest }))
      await put(json(rows), trx)
    },
    async release(trx: AnyTransaction, places: readonly Place[]): Promise<void> {
      if (places.length === 0) return
      const rows = places.map(({ entity, entityId }) => ({ entity, entity_id: entityId }))
      await remove(json(rows), trx)
    },
    async count(): Promise<number> {
      const { count } = await tables.kysely
        .selectFrom('external_db_parked')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return count
    },
    /** The longest parked first. @param of only these */
    list(limit: number, of: Partial<Place> = {}): Promise<ExternalDbParkedTable[]> {
      const { entity, entityId } = of
      return tables.kysely
        .selectFrom('external_db_parked')
        .selectAll()
        .$if(entity !== undefined, (query) => query.where('entity', '=', entity ?? ''))
        .$if(entityId !== undefined, (query) => query.where('entity_id', '=', entityId ?? ''))
        .orderBy('parked_at')
        .orderBy('entity')
        .orderBy('entity_id')
        .limit(limit)
        .execute()
    },
  }
}
