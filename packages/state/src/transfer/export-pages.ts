import type { AnyDatabase } from '@potok/core/database'
import { sql } from 'kysely'
import type { MachineTables } from '../machines/tables.ts'
import type { StateHistoryTable, StatesTable } from '../states/tables.ts'
import type { MachineVersion } from './line-text.ts'

/** An entity, as the place up to which something was read. */
export interface Place {
  entity: string
  entityId: string
}

/** Before the first: no entity type is the empty text. */
export const BEGINNING: Place = { entity: '', entityId: '' }

/** Rows of one page, and characters of their metadata; a single row may have more. */
const PAGE_ROWS = 500
const PAGE_CHARACTERS = 1_048_576

type StatesPage = Place & { only: string }
type HistoryPage = Place & { version: number; lastEntity: string; lastEntityId: string }

/**
 * Reads the store in short steps, in the order of its keys: an export of any size holds no transaction open and no more
 * than a page in memory. Each entity is as it was when its page was read.
 */
export function createExportPages(store: AnyDatabase) {
  const size =
    store.dialect === 'postgres' ? sql`octet_length(metadata::text)` : sql`length(metadata)`

  const states = store.statement<StatesPage>()(
    (slot) => sql<StatesTable>`
      select * from (
        select candidate.*, sum(${size}) over (order by entity, entity_id) - ${size} as characters_before
        from (
          select * from states
          where (entity, entity_id) > (${slot('entity')}, ${slot('entityId')})
            and (${slot('only')} = '' or entity = ${slot('only')})
          order by entity, entity_id limit ${PAGE_ROWS}) as candidate) as measured
      where characters_before < ${PAGE_CHARACTERS} order by entity, entity_id`,
  )
  const history = store.statement<HistoryPage>()(
    (slot) => sql<StateHistoryTable>`
      select * from (
        select candidate.*, sum(${size}) over (order by entity, entity_id, version) - ${size} as characters_before
        from (
          select * from state_history
          where (entity, entity_id, version) > (${slot('entity')}, ${slot('entityId')}, ${slot('version')})
            and (entity, entity_id) <= (${slot('lastEntity')}, ${slot('lastEntityId')})
          order by entity, entity_id, version limit ${PAGE_ROWS}) as candidate) as measured
      where characters_before < ${PAGE_CHARACTERS} order by entity, entity_id, version`,
  )
  const clock = store.statement<object>()(() => sql<{ now: number }>`select ${store.now()} as now`)

  return {
    async now(): Promise<number> {
      return (await clock({})).rows[0]?.now ?? 0
    },
    /** The states behind a place. @param only of this entity type; empty: of all */
    async states(after: Place, only: string): Promise<StatesTable[]> {
      return (await states({ ...after, only })).rows
    },
    /** The history behind a version of an entity, up to that of the last entity. */
    async history(after: Place & { version: number }, last: Place): Promise<StateHistoryTable[]> {
      const { rows } = await history({
        ...after,
        lastEntity: last.entity,
        lastEntityId: last.entityId,
      })
      return rows
    },
    machines(only: string): Promise<MachineVersion[]> {
      return store
        .as<MachineTables>()
        .kysely.selectFrom('machine_versions')
        .selectAll()
        .$if(only !== '', (query) => query.where('entity', '=', only))
        .orderBy('entity')
        .orderBy('version')
        .execute()
    },
  }
}

export type ExportPages = ReturnType<typeof createExportPages>
