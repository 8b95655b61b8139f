import type { AnyDatabase } from '@potok/core/database'
import { sql, type RawBuilder } from 'kysely'
import {
  ELEMENT_COLUMNS,
  HISTORY_COLUMNS,
  namesOf,
  STATE_COLUMNS,
  type Columns,
} from './columns.ts'
import type { HistoryRow, StateRow } from './state-row.ts'
import type { StateElementsTable, StateTables } from './tables.ts'

/** A row of a locking read. When nothing was found there may be one with the clock alone. */
export type Loaded = { clock: number } & (StateRow | { [Name in keyof StateRow]: null })

type Key = Pick<StateRow, 'entity' | 'entity_id'>
type Touch = Pick<StateRow, 'entity' | 'entity_id' | 'expires_at' | 'ttl_seconds'>
/** Rows as a JSON array in one parameter: a batch of any size is one statement with one text. */
type Many = { rows: string }

const names = (columns: Columns): RawBuilder<unknown> =>
  sql.join(namesOf(columns).map((name) => sql.ref(name)))

/** Reading before writing: the rows are locked, and the clock is read once they are. */
function createLoads(store: AnyDatabase) {
  const isPostgres = store.dialect === 'postgres'
  const forUpdate = isPostgres ? sql`for update of states` : sql``
  const found = sql.join(namesOf(STATE_COLUMNS).map((name) => sql.ref(`found.${name}`)))
  const withClock = (rows: RawBuilder<unknown>) =>
    sql<Loaded>`with found as (${rows} ${forUpdate})
      select ${store.now()} as clock, ${found} from (select 1 as one) as always left join found on true`
  return {
    /** On SQLite without the clock when nothing is found: two small statements cost less there than the join. */
    load: store.statement<Key>()<Loaded>((slot) => {
      const key = sql`entity = ${slot('entity')} and entity_id = ${slot('entity_id')}`
      return isPostgres
        ? withClock(sql`select * from states where ${key}`)
        : sql<Loaded>`select ${store.now()} as clock, ${names(STATE_COLUMNS)} from states where ${key}`
    }),
    clock: store.statement<object>()<{ clock: number }>(() => sql`select ${store.now()} as clock`),
    /** In the order of the keys, so that two batches never wait for each other in a circle. */
    loadMany: store.statement<Many>()<Loaded>((slot) =>
      withClock(
        sql`select states.* from ${store.rows(slot('rows'), { entity: 'text', entity_id: 'text' })} as given
          join states on states.entity = given.entity and states.entity_id = given.entity_id
          order by states.entity, states.entity_id`,
      ),
    ),
  }
}

/** Writing one change, the common case. */
function createSingles(store: AnyDatabase) {
  const { kysely } = store.as<StateTables>()
  return {
    insert: store.statement<StateRow>()<unknown>(
      (slot) =>
        sql`insert into states (${names(STATE_COLUMNS)}) values (${sql.join(namesOf(STATE_COLUMNS).map(slot))})
          on conflict do nothing`,
    ),
    /** Not `created_at`, `created_by`: their index would be written again for nothing. */
    update: store.statement<StateRow>()<unknown>((slot) =>
      kysely
        .updateTable('states')
        .set({
          status: slot('status'),
          version: slot('version'),
          metadata: slot('metadata'),
          updated_at: slot('updated_at'),
          updated_by: slot('updated_by'),
          expires_at: slot('expires_at'),
          ttl_seconds: slot('ttl_seconds'),
          reason: slot('reason'),
          machine_version: slot('machine_version'),
          deleted_at: slot('deleted_at'),
        })
        .where('entity', '=', slot('entity'))
        .where('entity_id', '=', slot('entity_id')),
    ),
    touch: store.statement<Touch>()<unknown>((slot) =>
      kysely
        .updateTable('states')
        .set({ expires_at: slot('expires_at'), ttl_seconds: slot('ttl_seconds') })
        .where('entity', '=', slot('entity'))
        .where('entity_id', '=', slot('entity_id')),
    ),
    insertHistory: store.statement<HistoryRow>()<unknown>(
      (slot) =>
        sql`insert into state_history (${names(HISTORY_COLUMNS)}) values (${sql.join(namesOf(HISTORY_COLUMNS).map(slot))})`,
    ),
    deleteElements: store.statement<Key>()<unknown>((slot) =>
      kysely
        .deleteFrom('state_elements')
        .where('entity', '=', slot('entity'))
        .where('entity_id', '=', slot('entity_id')),
    ),
  }
}

/** Writing many changes at once. */
function createManies(store: AnyDatabase) {
  const insertInto = (table: string, columns: Columns, rows: RawBuilder<string>) => {
    const given = Object.keys(columns).map((name) => {
      const value = sql.ref(`given.${name}`)
      return name === 'metadata' && store.dialect === 'postgres' ? sql`${value}::jsonb` : value
    })
    // `where true`: without it SQLite takes `on conflict` for the beginning of a join.
    return sql`insert into ${sql.table(table)} (${names(columns)})
      select ${sql.join(given)} from ${store.rows(rows, columns)} as given where true`
  }
  const replaced = sql.join(
    Object.keys(STATE_COLUMNS)
      .filter((name) => name !== 'entity' && name !== 'entity_id')
      .map((name) => sql`${sql.ref(name)} = ${sql.ref(`excluded.${name}`)}`),
  )
  return {
    insertMany: store.statement<Many>()<unknown>(
      (slot) => sql`${insertInto('states', STATE_COLUMNS, slot('rows'))} on conflict do nothing`,
    ),
    /** Their rows are locked: none is inserted here. */
    replaceMany: store.statement<Many>()<unknown>(
      (slot) =>
        sql`${insertInto('states', STATE_COLUMNS, slot('rows'))}
          on conflict (entity, entity_id) do update set ${replaced}`,
    ),
    insertHistories: store.statement<Many>()<unknown>((slot) =>
      insertInto('state_history', HISTORY_COLUMNS, slot('rows')),
    ),
    insertElements: store.statement<Many>()<StateElementsTable>(
      (slot) =>
        sql`${insertInto('state_elements', ELEMENT_COLUMNS, slot('rows'))} on conflict do nothing`,
    ),
  }
}

export type Statements = ReturnType<typeof createStatements>

/** What the writer says to the database; each text is built and compiled once. */
export function createStatements(store: AnyDatabase) {
  return { ...createLoads(store), ...createSingles(store), ...createManies(store) }
}
