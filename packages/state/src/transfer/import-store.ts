import { isDeepStrictEqual } from 'node:util'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { sql, type RawBuilder } from 'kysely'
import { HISTORY_COLUMNS, namesOf, STATE_COLUMNS } from '../states/index.ts'
import type { StateElementsTable, StateHistoryTable, StatesTable } from '../states/tables.ts'

type Key = Pick<StatesTable, 'entity' | 'entity_id'>
type Many = { rows: string }

/** What is stored of an entity, and of the version of it that comes along. */
type Known = Key &
  Pick<StatesTable, 'version' | 'status' | 'updated_at' | 'deleted_at'> & {
    metadata: string
    then_status: string | null
    then_at: number | null
    then_metadata: string | null
  }

const KEY = { entity: 'text', entity_id: 'text' } as const
const ELEMENTS = { ...KEY, path: 'text', value: 'text' } as const

export const keyOf = ({ entity, entity_id }: Key): string => `${entity}/${entity_id}`

const json = (rows: readonly object[]): Many => ({ rows: JSON.stringify(rows) })

function statements(store: AnyDatabase) {
  const isPostgres = store.dialect === 'postgres'
  const inserted = (
    table: string,
    columns: Readonly<Record<string, 'text' | 'bigint'>>,
    rows: RawBuilder<string>,
  ) => {
    const names = namesOf(columns)
    const given = names.map((name) => {
      const value = sql.ref(`given.${name}`)
      return name === 'metadata' && isPostgres ? sql`${value}::jsonb` : value
    })
    return sql`insert into ${sql.table(table)} (${sql.join(names.map((name) => sql.ref(name)))})
      select ${sql.join(given)} from ${store.rows(rows, columns)} as given where true
      on conflict do nothing`
  }
  return {
    // In the order of the keys, as every writer locks them.
    known: store.statement<Many>()(
      (slot) => sql<Known>`
        select states.entity, states.entity_id, states.version, states.status, states.updated_at,
          states.deleted_at, states.metadata, history.new_status as then_status,
          history.timestamp as then_at, history.metadata as then_metadata
        from ${store.rows(slot('rows'), { ...KEY, version: 'bigint' })} as given
        join states on states.entity = given.entity and states.entity_id = given.entity_id
        left join state_history as history on history.entity = given.entity
          and history.entity_id = given.entity_id and history.version = given.version
        order by states.entity, states.entity_id
        ${isPostgres ? sql`for update of states` : sql``}`,
    ),
    insertStates: store.statement<Many>()((slot) =>
      inserted('states', STATE_COLUMNS, slot('rows')),
    ),
    insertHistory: store.statement<Many>()((slot) =>
      inserted('state_history', HISTORY_COLUMNS, slot('rows')),
    ),
    insertElements: store.statement<Many>()((slot) =>
      inserted('state_elements', ELEMENTS, slot('rows')),
    ),
  }
}

/** Is what is stored the entity that comes along, or one that it has become since? */
function isSameEntity(known: Known, given: StatesTable): boolean {
  if (known.version < given.version) return false
  const status = given.deleted_at === null ? given.status : null
  // The history of one whose import was broken off may not be there yet.
  const then =
    known.then_at === null && known.version === given.version
      ? { status: known.deleted_at === null ? known.status : null, at: known.updated_at }
      : { status: known.then_status, at: known.then_at }
  const metadata = known.then_metadata ?? known.metadata
  return (
    then.status === status &&
    then.at === given.updated_at &&
    isDeepStrictEqual(JSON.parse(metadata), JSON.parse(given.metadata))
  )
}

/** What an import says to the store, in its transactions. */
export function createImportStore(store: AnyDatabase) {
  const say = statements(store)
  return {
    /** Which of the entities are there already: the same, or another one. They are locked. */
    async known(
      trx: AnyTransaction,
      given: readonly StatesTable[],
    ): Promise<Map<string, 'same' | 'other'>> {
      const byKey = new Map(given.map((row) => [keyOf(row), row]))
      const keys = given.map(({ entity, entity_id, version }) => ({ entity, entity_id, version }))
      const { rows } = await say.known(json(keys), trx)
      return new Map(
        rows.map((row) => {
          const wanted = byKey.get(keyOf(row))
          const same = wanted !== undefined && isSameEntity(row, wanted)
          return [keyOf(row), same ? 'same' : 'other']
        }),
      )
    },
    /** @returns how many came in; fewer when somebody else made one of them meanwhile */
    async insertStates(trx: AnyTransaction, rows: readonly StatesTable[]): Promise<number> {
      return Number((await say.insertStates(json(rows), trx)).numAffectedRows ?? 0n)
    },
    /** Versions that are there stay as they are. @returns how many came in */
    async insertHistory(trx: AnyTransaction, rows: readonly StateHistoryTable[]): Promise<number> {
      if (rows.length === 0) return 0
      return Number((await say.insertHistory(json(rows), trx)).numAffectedRows ?? 0n)
    },
    async insertElements(trx: AnyTransaction, rows: readonly StateElementsTable[]): Promise<void> {
      if (rows.length > 0) await say.insertElements(json(rows), trx)
    },
  }
}

export type ImportStore = ReturnType<typeof createImportStore>
