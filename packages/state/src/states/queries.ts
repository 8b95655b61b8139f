import type { AnyDatabase } from '@potok/core/database'
import type { RawBuilder } from 'kysely'
import type { Catalog } from '../machines/index.ts'
import { ReadTooLong, type LongReads } from '../store/index.ts'
import type { ConditionContext } from './condition-sql.ts'
import { createQueryContext, pathsIn } from './query-context.ts'
import { planOf, type QueryPlan } from './query-plan.ts'
import { countSql, groupsSql, pageSql, type Group } from './query-sql.ts'
import { queryTooExpensive } from './errors.ts'
import { cursorOf, SORT_COLUMNS, type Query } from './query.ts'
import { stateJson, type StateRow } from './state-row.ts'
import type { StateTables } from './tables.ts'

export interface QueriesDeps {
  store: AnyDatabase
  machines: Pick<Catalog, 'rules'>
  longReads: Pick<LongReads, 'run' | 'quick'>
}

/** A page as JSON text; the items are JSON already. */
function pageJson(items: readonly string[], total?: number, nextCursor?: string): string {
  const next = nextCursor === undefined ? '' : `,"nextCursor":"${nextCursor}"`
  return `{"items":[${items.join(',')}]${next}${total === undefined ? '' : `,"total":${total}`}}`
}

const groupJson = ({ value, count }: Group): string =>
  `{"value":${JSON.stringify(value)},"count":${count}}`

/** Where the next page begins; undefined: there is none. */
function nextOf({ sort, limit }: Query, rows: readonly StateRow[]): string | undefined {
  const last = rows[limit - 1]
  if (rows.length <= limit || last === undefined) return undefined
  return cursorOf(
    sort,
    SORT_COLUMNS[sort.field].map((column) => last[column] ?? ''),
  )
}

function planFor(query: Query, { indexes, arrays }: ConditionContext): QueryPlan {
  return planOf(query, new Set([...indexes].filter((path) => !arrays.has(path))))
}

/** Lists and queries. They read the store and see every acknowledged write. */
export function createQueries({ store, machines, longReads }: QueriesDeps) {
  const { kysely } = store.as<StateTables>()
  const stored = createQueryContext(store)

  /** What no index serves is run for a limited time, where it holds up nobody. */
  async function rowsOf<Row>(query: RawBuilder<Row>, indexed: boolean): Promise<Row[]> {
    const compiled = query.compile(kysely)
    return indexed ? longReads.quick(compiled) : longReads.run(compiled)
  }

  async function totalOf(query: Query, context: ConditionContext, indexed: boolean) {
    if (!query.count) return undefined
    const [row] = await rowsOf(countSql(query, indexed, context), indexed)
    return row?.total
  }

  async function pageOf(query: Query, context: ConditionContext): Promise<string> {
    const { groupBy, limit } = query
    if (groupBy !== undefined) {
      const groups = await rowsOf(groupsSql(store, query, groupBy, context), false)
      return pageJson(groups.map(groupJson), await totalOf(query, context, false))
    }
    const plan = planFor(query, context)
    const rows = await rowsOf(pageSql(query, plan, context), plan.indexed)
    const items = rows.slice(0, limit).map(stateJson)
    return pageJson(items, await totalOf(query, context, plan.indexed), nextOf(query, rows))
  }

  return {
    /**
     * @returns the answer as JSON text
     * @throws 404 unknown entity type; 422 unknown status, too expensive
     */
    async page(query: Query): Promise<string> {
      const { entity, where } = query
      const rules = await machines.rules(entity)
      await stored.checkStatuses(query, rules)
      const context = await stored.contextOf(query, rules)
      try {
        return await pageOf(query, context)
      } catch (error) {
        if (!(error instanceof ReadTooLong)) throw error
        const unindexed = pathsIn(where).filter((path) => !context.indexes.has(path))
        throw queryTooExpensive(entity, unindexed, planFor(query, context).indexed)
      }
    },
  }
}
