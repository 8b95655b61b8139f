import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { sql } from 'kysely'
import type { StatesTable, StateTables } from '../states/tables.ts'
import type { SyncJob } from './sync-job.ts'

/** The newest version of an entity; a deleted one with `deleted_at`. */
export type Newest = Pick<
  StatesTable,
  'entity' | 'entity_id' | 'status' | 'version' | 'metadata' | 'updated_at' | 'deleted_at'
> & {
  /** Of the request that made this version. */
  correlation_id: string | null
}

/** A version of an entity. */
export interface Version extends SyncJob {
  version: number
}

/** Reads what there is to send. */
export function createNewest(store: AnyDatabase) {
  const { kysely } = store.as<StateTables>()
  const find = store.statement<SyncJob>()<Newest>((slot) =>
    kysely
      .selectFrom('states')
      .leftJoin('state_history', (join) =>
        join
          .onRef('state_history.entity', '=', 'states.entity')
          .onRef('state_history.entity_id', '=', 'states.entity_id')
          .onRef('state_history.version', '=', 'states.version'),
      )
      .select([
        'states.entity',
        'states.entity_id',
        'states.status',
        'states.version',
        'states.metadata',
        'states.updated_at',
        'states.deleted_at',
        'state_history.correlation_id',
      ])
      .where('states.entity', '=', slot('entity'))
      .where('states.entity_id', '=', slot('entityId')),
  )
  const after = store.statement<{ rows: string }>()(
    (slot) => sql<{ entity: string; entityId: string }>`
      select states.entity, states.entity_id as "entityId"
      from ${store.rows(slot('rows'), { entity: 'text', entityId: 'text', version: 'bigint' })} as given
      join states on states.entity = given.entity and states.entity_id = given."entityId"
      where states.version > given.version`,
  )

  return {
    async of({ entity, entityId }: SyncJob): Promise<Newest | undefined> {
      return (await find({ entity, entityId })).rows[0]
    },
    /** Those of the entities that have a newer version. */
    async outgrown(trx: AnyTransaction, versions: readonly Version[]): Promise<SyncJob[]> {
      if (versions.length === 0) return []
      return (await after({ rows: JSON.stringify(versions) }, trx)).rows
    },
  }
}

export type NewestVersions = ReturnType<typeof createNewest>
