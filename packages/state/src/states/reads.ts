import type { AnyDatabase } from '@potok/core/database'
import type { Transitions } from '@potok/contracts/state'
import type { Catalog, Rules } from '../machines/index.ts'
import { HistoryVersionNotFound, notFound } from './errors.ts'
import { stateAt, type HistoryRow, type StateRow } from './state-row.ts'
import type { StateTables } from './tables.ts'

export interface ReadsDeps {
  store: AnyDatabase
  machines: Pick<Catalog, 'rules'>
}

/** A page of history, by version. */
export interface HistoryQuery {
  limit: number
  order: 'asc' | 'desc'
  /** The last version that was seen. */
  cursor?: number | undefined
}

type Key = Pick<StateRow, 'entity' | 'entity_id'>

const REFUSED = {
  current: 'it is the current status',
  forbidden: (from: string, allowed: readonly string[]) =>
    `after ${from} only ${allowed.length === 0 ? 'nothing' : allowed.join(', ')} may come`,
}

function transitionsOf({ status, version }: StateRow, rules: Rules): Transitions {
  const allowed = rules.after(status).filter((next) => next !== status)
  const refused = rules.statuses
    .filter((other) => !allowed.includes(other))
    .map((other) => ({
      status: other,
      reason: other === status ? REFUSED.current : REFUSED.forbidden(status, allowed),
    }))
  return { status, version, allowed: [...allowed], refused }
}

/** Reads of one entity. They see every acknowledged write. */
export function createReads({ store, machines }: ReadsDeps) {
  const { kysely } = store.as<StateTables>()

  const find = store.statement<Key>()<StateRow>((slot) =>
    kysely
      .selectFrom('states')
      .selectAll()
      .where('entity', '=', slot('entity'))
      .where('entity_id', '=', slot('entity_id'))
      .where('deleted_at', 'is', null),
  )
  const findVersion = store.statement<Key & { version: number }>()<HistoryRow>((slot) =>
    kysely
      .selectFrom('state_history')
      .selectAll()
      .where('entity', '=', slot('entity'))
      .where('entity_id', '=', slot('entity_id'))
      .where('version', '=', slot('version')),
  )
  /** Timestamps never fall from version to version: the newest version that was there is the one that held. */
  const findAt = store.statement<Key & { at: number }>()<HistoryRow>((slot) =>
    kysely
      .selectFrom('state_history')
      .selectAll()
      .where('entity', '=', slot('entity'))
      .where('entity_id', '=', slot('entity_id'))
      .where('timestamp', '<=', slot('at'))
      .orderBy('version', 'desc')
      .limit(1),
  )

  /** @throws 404: an unknown entity type is another answer than an unknown entity */
  async function missing(entity: string, id: string): Promise<never> {
    await machines.rules(entity)
    throw notFound(entity, id)
  }

  async function one(entity: string, id: string): Promise<StateRow> {
    const { rows } = await find({ entity, entity_id: id })
    return rows[0] ?? missing(entity, id)
  }

  /** A state as it was. @throws 404 when it was not there then */
  async function past(
    entity: string,
    id: string,
    { rows: [row] }: { rows: HistoryRow[] },
    when: string,
  ): Promise<StateRow> {
    const state = row === undefined ? undefined : stateAt(row)
    if (state !== undefined) return state
    await machines.rules(entity)
    throw new HistoryVersionNotFound(entity, id, when)
  }

  return {
    one,

    async inVersion(entity: string, id: string, version: number): Promise<StateRow> {
      const found = await findVersion({ entity, entity_id: id, version })
      return past(entity, id, found, `in version ${version}`)
    },

    /** @param at epoch milliseconds */
    async at(entity: string, id: string, at: number): Promise<StateRow> {
      const found = await findAt({ entity, entity_id: id, at })
      return past(entity, id, found, `at ${new Date(at).toISOString()}`)
    },

    /** @throws 404 when there never was such an entity; that of a deleted one can be read */
    async history(
      entity: string,
      id: string,
      { limit, order, cursor }: HistoryQuery,
    ): Promise<{ rows: HistoryRow[]; nextCursor?: number }> {
      const isAscending = order === 'asc'
      const rows = await kysely
        .selectFrom('state_history')
        .selectAll()
        .where('entity', '=', entity)
        .where('entity_id', '=', id)
        .$if(cursor !== undefined, (query) =>
          query.where('version', isAscending ? '>' : '<', cursor ?? 0),
        )
        .orderBy('version', order)
        .limit(limit + 1)
        .execute()
      if (rows.length === 0 && cursor === undefined) await missing(entity, id)
      const page = rows.slice(0, limit)
      const last = page.at(-1)
      return rows.length > limit && last !== undefined
        ? { rows: page, nextCursor: last.version }
        : { rows: page }
    },

    async transitions(entity: string, id: string): Promise<Transitions> {
      const row = await one(entity, id)
      return transitionsOf(row, await machines.rules(entity))
    },
  }
}
