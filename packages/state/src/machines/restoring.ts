import { isDeepStrictEqual } from 'node:util'
import type { MachineDefinition } from '@potok/contracts/machine'
import type { Database } from '@potok/core/database'
import { sql, type Transaction } from 'kysely'
import type { StateTables } from '../states/tables.ts'
import { definitionErrors } from './definition.ts'
import { BuiltIn, definitionInvalid, TooManyMachines } from './errors.ts'
import { moveIndexes } from './moved-indexes.ts'
import { createPreparedIndexes } from './prepared-indexes.ts'
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

/** The elements of arrays at a path that becomes indexed are looked for in every state. */
const RESTORING_TIMEOUT_MS = 120_000

/** Stores a version in the caller's transaction. */
function createInsert({ store, rows, isBuiltIn, machineLimit }: RestoringDeps) {
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

  return async (tables: Transaction<Tables>, kept: KeptRules): Promise<Restored> => {
    if (store.dialect === 'postgres') {
      await sql`set local statement_timeout = ${sql.lit(RESTORING_TIMEOUT_MS)}`.execute(tables)
      // As a replacement does: writes under the old rules come to their end first.
      await sql`lock table machines in exclusive mode`.execute(tables)
    }
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
  }
}

/** Puts back the rules of another store. */
export function createRestoring(deps: RestoringDeps) {
  const { store, rows, isBuiltIn } = deps
  const indexes = createPreparedIndexes({ store, rows })
  const insert = createInsert(deps)

  /** The paths that these rules index and those in force do not; none where they will not come into force. */
  async function newPaths({ entity, version, definition }: KeptRules): Promise<string[]> {
    if (isBuiltIn(entity) || definitionErrors(definition).length > 0) return []
    const current = await rows.find(entity)
    if (current !== undefined && current.version >= version) return []
    return (definition.indexes ?? []).filter((path) => !current?.indexes?.includes(path))
  }

  return {
    /**
     * Puts a version back, and into force when it is the newest. Its indexes are made before: with states in the store
     * they take longer than a write may, and on PostgreSQL nobody waits for them.
     * @throws 409 built in, too many; 422 rules that contradict themselves
     */
    async restore(kept: KeptRules): Promise<Restored> {
      const { entity } = kept
      const built = await newPaths(kept)
      await indexes.build(entity, built)
      try {
        return await store.write((trx) => insert(trx, kept), { timeoutMs: RESTORING_TIMEOUT_MS })
      } catch (error) {
        await indexes.dropUnused(entity, built)
        throw error
      }
    },
  }
}

export type Restoring = ReturnType<typeof createRestoring>
