import { isDeepStrictEqual } from 'node:util'
import type { Machine, MachineDefinition } from '@potok/contracts/machine'
import type { Database } from '@potok/core/database'
import { isMet, type Conditions } from '@potok/core/lib/precondition'
import { sql, type Transaction } from 'kysely'
import type { StateTables } from '../states/tables.ts'
import { machineFrom, type Catalog } from './catalog.ts'
import { definitionErrors } from './definition.ts'
import {
  BuiltIn,
  definitionInvalid,
  preconditionFailed,
  TooManyMachines,
  wouldStrand,
  type Stranded,
} from './errors.ts'
import { indexElements } from './array-elements.ts'
import { createMetadataIndex, dropMetadataIndex } from './metadata-index.ts'
import type { MachineTables } from './tables.ts'

type Tables = MachineTables & StateTables

export interface ReplacementDeps {
  store: Database<Tables>
  catalog: Catalog
  /** Entity types of the users' own, at most. */
  machineLimit: number
}

export interface NewRules {
  entity: string
  definition: MachineDefinition
  actor: string
  conditions: Conditions
  /** Replace although stored entities would be stranded. */
  force: boolean
}

/** What rules would leave without a valid status; the first hundred are listed, all are counted. */
export interface StrandedEntities {
  strandedTotal: number
  stranded: Stranded[]
}

const STRANDED_LIST_LIMIT = 100

const definitionOf = ({
  statuses,
  initial,
  transitions,
  expiry,
  indexes,
}: Machine): MachineDefinition => ({
  statuses,
  initial,
  transitions,
  ...(expiry === undefined ? {} : { expiry }),
  ...(indexes === undefined ? {} : { indexes }),
})

/** Puts rules of users into force. */
export function createReplacement({ store, catalog, machineLimit }: ReplacementDeps) {
  function check(entity: string, definition: MachineDefinition): void {
    if (catalog.isBuiltIn(entity)) throw new BuiltIn(entity)
    const errors = definitionErrors(definition)
    if (errors.length > 0) throw definitionInvalid(errors)
  }

  async function strandedBy(
    db: Pick<Transaction<Tables>, 'selectFrom'>,
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
      .limit(STRANDED_LIST_LIMIT)
      .execute()
    return { strandedTotal: total, stranded }
  }

  async function checkLimit(trx: Transaction<Tables>): Promise<void> {
    const { count } = await trx
      .selectFrom('machines')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    if (count >= machineLimit) throw new TooManyMachines(machineLimit)
  }

  /** In the same transaction as the rules: what they declare is indexed from the moment they are in force. */
  async function moveIndexes(
    trx: Transaction<Tables>,
    entity: string,
    before: readonly string[],
    after: readonly string[],
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
      await createMetadataIndex(store, entity, path).execute(trx)
      await indexElements(store, entity, path).execute(trx)
    }
  }

  async function save(
    trx: Transaction<Tables>,
    { entity, definition, actor }: NewRules,
    version: number,
  ): Promise<Machine> {
    const text = JSON.stringify(definition)
    const { created_at: at } = await trx
      .insertInto('machine_versions')
      .values({
        entity,
        version,
        definition: text,
        created_at: store.now(),
        created_by: actor,
      })
      .returning('created_at')
      .executeTakeFirstOrThrow()
    const row = { version, definition: text, updated_at: at, updated_by: actor }
    await trx
      .insertInto('machines')
      .values({ entity, ...row })
      .onConflict((conflict) => conflict.column('entity').doUpdateSet(row))
      .execute()
    return machineFrom(entity, version, text, at)
  }

  return {
    /** What {@link put} without force would refuse. */
    async dryRun(entity: string, definition: MachineDefinition): Promise<StrandedEntities> {
      check(entity, definition)
      return strandedBy(store.kysely, entity, definition.statuses)
    },
    /**
     * @throws 409 built in, too many, entities would be stranded; 412 stale precondition; 422 rules that contradict
     *   themselves
     */
    async put(rules: NewRules): Promise<{ machine: Machine; created: boolean }> {
      const { entity, definition, conditions, force } = rules
      check(entity, definition)
      return store.write(async (trx) => {
        // Waits for the writes under the old rules and holds off those that would still read them.
        if (store.dialect === 'postgres') {
          await sql`lock table machines in exclusive mode`.execute(trx)
        }
        const current = await catalog.stored(entity, trx)
        if (!isMet(conditions, current?.version)) throw preconditionFailed(current?.version)
        if (current === undefined) await checkLimit(trx)
        else if (isDeepStrictEqual(definitionOf(current), definition)) {
          return { machine: current, created: false }
        }
        if (!force) {
          const { strandedTotal, stranded } = await strandedBy(trx, entity, definition.statuses)
          if (strandedTotal > 0) throw wouldStrand(entity, strandedTotal, stranded)
        }
        await moveIndexes(trx, entity, current?.indexes ?? [], definition.indexes ?? [])
        const machine = await save(trx, rules, (current?.version ?? 0) + 1)
        return { machine, created: current === undefined }
      })
    },
  }
}
