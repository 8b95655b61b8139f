import { isDeepStrictEqual } from 'node:util'
import type { MachineDefinition } from '@potok/contracts/machine'
import type { AnyTransaction, Database } from '@potok/core/database'
import { sql, type Transaction } from 'kysely'
import type { StateTables } from '../states/tables.ts'
import { definitionErrors } from './definition.ts'
import { BuiltIn, definitionInvalid, TooManyMachines } from './errors.ts'
import { moveIndexes } from './moved-indexes.ts'
import type { MachineRows } from './rows.ts'
import type { MachineTables } from './tables.ts'

type Tables = MachineTables & StateTables

/** A version of the rules as another store had it. */
export interface KeptRules {
  entity: string
  version: number
  definition: MachineDefinition
  /** Epoch milliseconds. */
  createdAt: number
  createdBy: string
}

/** `other`: this store has other rules under that version, they stay. */
export type Restored = 'restored' | 'same' | 'other'

export interface RestoringDeps {
  store: Database<Tables>
  rows: MachineRows
  isBuiltIn: (entity: string) => boolean
  machineLimit: number
}

const parse = (text: string): unknown => JSON.parse(text)

/** Puts back the rules of another store. */
export function createRestoring({ store, rows, isBuiltIn, machineLimit }: RestoringDeps) {
  async function check(trx: Transaction<Tables>, { entity, definition }: KeptRules): Promise<void> {
    if (isBuiltIn(entity)) throw new BuiltIn(entity)
    const errors = definitionErrors(definition)
    if (errors.length > 0) throw definitionInvalid(errors)
    const { count } = await trx
      .selectFrom('machines')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('entity', '!=', entity)
      .executeTakeFirstOrThrow()
    if (count >= machineLimit) throw new TooManyMachines(machineLimit)
  }

  async function putInForce(trx: Transaction<Tables>, kept: KeptRules): Promise<void> {
    const { entity, version, definition, createdAt, createdBy } = kept
    const current = await rows.find(entity, trx)
    if (current !== undefined && current.version >= version) return
    const indexes = { before: current?.indexes ?? [], after: definition.indexes ?? [] }
    await moveIndexes(trx, store, entity, indexes)
    const text = JSON.stringify(definition)
    const row = { version, definition: text, updated_at: createdAt, updated_by: createdBy }
    await trx
      .insertInto('machines')
      .values({ entity, ...row })
      .onConflict((conflict) => conflict.column('entity').doUpdateSet(row))
      .execute()
  }

  return {
    /**
     * Puts a version back, and into force when it is the newest. In the caller's transaction.
     * @throws 409 built in, too many; 422 rules that contradict themselves
     */
    async restore(trx: AnyTransaction, kept: KeptRules): Promise<Restored> {
      const tables = store.as<Tables>().transaction(trx)
      // As a replacement does: writes under the old rules come to their end first.
      if (store.dialect === 'postgres')
        await sql`lock table machines in exclusive mode`.execute(tables)
      await check(tables, kept)
      const { entity, version, definition, createdAt: created_at, createdBy: created_by } = kept
      const { numInsertedOrUpdatedRows = 0n } = await tables
        .insertInto('machine_versions')
        .values({ entity, version, definition: JSON.stringify(definition), created_at, created_by })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      if (numInsertedOrUpdatedRows > 0n) {
        await putInForce(tables, kept)
        return 'restored'
      }
      const known = await tables
        .selectFrom('machine_versions')
        .select('definition')
        .where('entity', '=', entity)
        .where('version', '=', version)
        .executeTakeFirstOrThrow()
      return isDeepStrictEqual(parse(known.definition), definition) ? 'same' : 'other'
    },
  }
}

export type Restoring = ReturnType<typeof createRestoring>
