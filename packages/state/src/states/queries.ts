import type { AnyDatabase } from '@potok/core/database'
import { sql, type CompiledQuery, type RawBuilder } from 'kysely'
import type { Catalog, Rules } from '../machines/index.ts'
import type { Column, Condition } from './condition.ts'
import type { ConditionContext } from './condition-sql.ts'
import { unknownStatus } from './errors.ts'
import { planOf } from './query-plan.ts'
import { countSql, groupsSql, pageSql, type Group } from './query-sql.ts'
import { cursorOf, SORT_COLUMNS, type CursorValue, type Query } from './query.ts'
import { stateJson, type StateRow } from './state-row.ts'
import type { StateTables } from './tables.ts'

/** Runs a query; one that no index serves is run for a limited time where it holds up nobody. */
export type RunQuery = <Row>(
  query: CompiledQuery<Row>,
  options: { indexed: boolean },
) => Promise<Row[]>

export interface QueriesDeps {
  store: AnyDatabase
  machines: Pick<Catalog, 'rules'>
  run: RunQuery
}

/** Metadata paths that a query compares, nested ones included. */
function pathsIn(conditions: readonly Condition[]): string[] {
  return conditions.flatMap((condition) => {
    if ('field' in condition) {
      return condition.field.kind === 'metadata' ? [condition.field.path] : []
    }
    return pathsIn([condition.of].flat())
  })
}

const statusesIn = (conditions: readonly Condition[]): string[] =>
  conditions.flatMap((condition) =>
    condition.kind === 'in' && condition.field.name === 'status'
      ? condition.values.filter((value) => typeof value === 'string')
      : [],
  )

const sortValue = (row: StateRow, column: Column): CursorValue => row[column] ?? ''

/** Lists and queries. They read the store and see every acknowledged write. */
export function createQueries({ store, machines, run }: QueriesDeps) {
  const { kysely } = store.as<StateTables>()

  async function rowsOf<Row>(query: RawBuilder<Row>, indexed: boolean): Promise<Row[]> {
    return run(query.compile(kysely), { indexed })
  }

  /** Is there any array at the path? A look at the first entry of an index. */
  async function holdsArrays(entity: string, path: string): Promise<boolean> {
    const found = await kysely
      .selectFrom('state_elements')
      .select(sql<number>`1`.as('one'))
      .where('entity', '=', entity)
      .where('path', '=', path)
      .limit(1)
      .executeTakeFirst()
    return found !== undefined
  }

  async function contextOf({ entity, where }: Query, rules: Rules): Promise<ConditionContext> {
    const indexes = new Set(rules.indexes)
    const arrays = new Set<string>()
    for (const path of new Set(pathsIn(where))) {
      if (indexes.has(path) && (await holdsArrays(entity, path))) arrays.add(path)
    }
    return { dialect: store, entity, indexes, arrays }
  }

  /** A status that neither the rules nor any state knows is a slip of the pen. */
  async function checkStatuses({ entity, where }: Query, rules: Rules): Promise<void> {
    for (const status of statusesIn(where)) {
      if (rules.knows(status)) continue
      const stranded = await kysely
        .selectFrom('states')
        .select('entity_id')
        .where('entity', '=', entity)
        .where('status', '=', status)
        .where('deleted_at', 'is', null)
        .limit(1)
        .executeTakeFirst()
      if (stranded === undefined) throw unknownStatus(entity, status, rules.statuses)
    }
  }

  const groupJson = ({ value, count }: Group): string =>
    `{"value":${JSON.stringify(value)},"count":${count}}`

  function pageJson(query: Query, rows: readonly StateRow[], total: number | undefined): string {
    const page = rows.slice(0, query.limit)
    const last = page.at(-1)
    const next =
      rows.length > query.limit && last !== undefined
        ? cursorOf(
            query.sort,
            SORT_COLUMNS[query.sort.field].map((column) => sortValue(last, column)),
          )
        : undefined
    return (
      `{"items":[${page.map(stateJson).join(',')}]` +
      `${next === undefined ? '' : `,"nextCursor":"${next}"`}` +
      `${total === undefined ? '' : `,"total":${total}`}}`
    )
  }

  return {
    /**
     * @returns the answer as JSON text
     * @throws 404 unknown entity type, 422 unknown status, too expensive
     */
    async page(query: Query): Promise<string> {
      const rules = await machines.rules(query.entity)
      await checkStatuses(query, rules)
      const context = await contextOf(query, rules)
      const { groupBy } = query
      const scalars = new Set(rules.indexes.filter((path) => !context.arrays.has(path)))
      const plan = planOf(query, scalars)
      const count = async () =>
        query.count ? (await rowsOf(countSql(query, context), plan.indexed))[0]?.total : undefined
      if (groupBy !== undefined) {
        const groups = await rowsOf(groupsSql(store, query, groupBy, context), false)
        const total = await count()
        return `{"items":[${groups.map(groupJson).join(',')}]${total === undefined ? '' : `,"total":${total}`}}`
      }
      const rows = await rowsOf(pageSql(query, plan, context), plan.indexed)
      return pageJson(query, rows, await count())
    },
  }
}
