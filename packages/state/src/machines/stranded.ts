import type { Kysely } from 'kysely'
import type { StateTables } from '../states/tables.ts'
import type { Stranded } from './errors.ts'

const LIST_LIMIT = 100

/** What rules would leave without a valid status; the first hundred are listed, all are counted. */
export interface StrandedEntities {
  strandedTotal: number
  stranded: Stranded[]
}

export async function strandedBy(
  db: Pick<Kysely<StateTables>, 'selectFrom'>,
  entity: string,
  statuses: readonly string[],
): Promise<StrandedEntities> {
  const rows = db
    .selectFrom('states')
    .where('entity', '=', entity)
    .where('deleted_at', 'is', null)
    .where('status', 'not in', statuses)
  const { total } = await rows
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  const stranded = await rows
    .select(['entity_id as entityId', 'status'])
    .orderBy('entity_id')
    .limit(LIST_LIMIT)
    .execute()
  return { strandedTotal: total, stranded }
}
