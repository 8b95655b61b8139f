import type { AnyDatabase } from '@potok/core/database'
import type { Rules } from '../machines/index.ts'
import type { Condition } from './condition.ts'
import type { ConditionContext } from './condition-sql.ts'
import { unknownStatus } from './errors.ts'
import type { Query } from './query.ts'
import type { StateTables } from './tables.ts'

/** Metadata paths that are compared, in nested conditions too. */
export function pathsIn(conditions: readonly Condition[]): string[] {
  const paths = conditions.flatMap((condition): string[] => {
    if ('field' in condition) {
      return condition.field.kind === 'metadata' ? [condition.field.path] : []
    }
    return pathsIn([condition.of].flat())
  })
  return [...new Set(paths)]
}

const statusesIn = (conditions: readonly Condition[]): string[] =>
  conditions.flatMap((condition) =>
    condition.kind === 'in' && condition.field.name === 'status'
      ? condition.values.filter((value) => typeof value === 'string')
      : [],
  )

/** What has to be known of the stored states before a query can be written down. */
export function createQueryContext(store: AnyDatabase) {
  const { kysely } = store.as<StateTables>()

  /** Is there any array at the path? A look at the first entry of an index. */
  async function holdsArrays(entity: string, path: string): Promise<boolean> {
    const found = await kysely
      .selectFrom('state_elements')
      .select('path')
      .where('entity', '=', entity)
      .where('path', '=', path)
      .limit(1)
      .executeTakeFirst()
    return found !== undefined
  }

  async function isStored(entity: string, status: string): Promise<boolean> {
    const found = await kysely
      .selectFrom('states')
      .select('status')
      .where('entity', '=', entity)
      .where('status', '=', status)
      .where('deleted_at', 'is', null)
      .limit(1)
      .executeTakeFirst()
    return found !== undefined
  }

  return {
    async contextOf({ entity, where }: Query, rules: Rules): Promise<ConditionContext> {
      const indexes = new Set(rules.indexes)
      const arrays = new Set<string>()
      for (const path of pathsIn(where)) {
        if (indexes.has(path) && (await holdsArrays(entity, path))) arrays.add(path)
      }
      return { dialect: store, entity, indexes, arrays }
    },

    /** A status that neither the rules nor any state knows is a slip of the pen. @throws 422 */
    async checkStatuses({ entity, where }: Query, rules: Rules): Promise<void> {
      for (const status of statusesIn(where)) {
        if (rules.knows(status) || (await isStored(entity, status))) continue
        throw unknownStatus(entity, status, rules.statuses)
      }
    },
  }
}
