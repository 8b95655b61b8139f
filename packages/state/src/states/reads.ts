import type { AnyDatabase } from '@potok/core/database'
import type { Transitions } from '@potok/contracts/state'
import type { Catalog } from '../machines/index.ts'
import { refuse, timeOf } from './condition.ts'
import { HistoryVersionNotFound, notFound } from './errors.ts'
import { createHistory, type HistoryPage, type HistoryQuery } from './history.ts'
import { stateAt, type HistoryRow, type StateRow } from './state-row.ts'
import type { StateTables } from './tables.ts'
import { transitionsOf } from './transitions.ts'

export interface ReadsDeps {
  store: AnyDatabase
  machines: Pick<Catalog, 'rules'>
}

/** Which of its versions; none: as it is now. */
export interface When {
  at?: string | undefined
  version?: number | undefined
}

/** Reads of one entity. They see every acknowledged write. */
export function createReads({ store, machines }: ReadsDeps) {
  const { kysely } = store.as<StateTables>()
  const history = createHistory(store)
  const find = store.statement<Pick<StateRow, 'entity' | 'entity_id'>>()<StateRow>((slot) =>
    kysely
      .selectFrom('states')
      .selectAll()
      .where('entity', '=', slot('entity'))
      .where('entity_id', '=', slot('entity_id'))
      .where('deleted_at', 'is', null),
  )

  /** @throws 404: an unknown entity type is another answer than an unknown entity */
  async function missing(entity: string, error: Error): Promise<never> {
    await machines.rules(entity)
    throw error
  }

  async function current(entity: string, id: string): Promise<StateRow> {
    const { rows } = await find({ entity, entity_id: id })
    return rows[0] ?? missing(entity, notFound(entity, id))
  }

  async function past(entity: string, id: string, found: HistoryRow | undefined, when: string) {
    const state = found && stateAt(found)
    return state ?? missing(entity, new HistoryVersionNotFound(entity, id, when))
  }

  return {
    /** @throws 400, 404 unknown entity type, not there (then) */
    async one(entity: string, id: string, { at, version }: When = {}): Promise<StateRow> {
      if (version === undefined && at === undefined) return current(entity, id)
      if (version === undefined) {
        const time = timeOf(at, '/querystring/at')
        return past(entity, id, await history.at(entity, id, time), `at ${at}`)
      }
      if (at !== undefined) refuse('/querystring/version', 'cannot be combined with at')
      return past(entity, id, await history.version(entity, id, version), `in version ${version}`)
    },

    /** @throws 404 when there never was such an entity; that of a deleted one can be read */
    async history(entity: string, id: string, query: HistoryQuery): Promise<HistoryPage> {
      const page = await history.page(entity, id, query)
      if (page.rows.length > 0 || query.cursor !== undefined) return page
      return missing(entity, notFound(entity, id))
    },

    async transitions(entity: string, id: string): Promise<Transitions> {
      return transitionsOf(await current(entity, id), await machines.rules(entity))
    },
  }
}
