import type { DialectSql } from '@potok/core/database'
import type { Transaction } from 'kysely'
import type { StateTables } from '../states/tables.ts'
import { indexElements } from './array-elements.ts'
import { createMetadataIndex, dropMetadataIndex } from './metadata-index.ts'

/**
 * Drops and makes the indexes of an entity type, in the transaction of its rules: what they declare is indexed from the
 * moment they are in force. Writers of states wait for those that were not made before.
 */
export async function moveIndexes(
  trx: Transaction<StateTables>,
  dialect: DialectSql,
  entity: string,
  { before, after }: { before: readonly string[]; after: readonly string[] },
): Promise<void> {
  for (const path of before.filter((one) => !after.includes(one))) {
    await dropMetadataIndex(entity, path).execute(trx)
    await trx
      .deleteFrom('state_elements')
      .where('entity', '=', entity)
      .where('path', '=', path)
      .execute()
  }
  for (const path of after.filter((one) => !before.includes(one))) {
    await createMetadataIndex(dialect, entity, path).execute(trx)
    await indexElements(dialect, entity, path).execute(trx)
  }
}
