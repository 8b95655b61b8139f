import { isDeepStrictEqual } from 'node:util'
import type { Machine, MachineDefinition } from '@potok/contracts/machine'
import type { Database, DialectSql } from '@potok/core/database'
import { isMet, type Conditions } from '@potok/core/lib/precondition'
import { sql, type Kysely, type Transaction } from 'kysely'
import type { StateTables } from '../states/tables.ts'
import { definitionErrors } from './definition.ts'
import {
  BuiltIn,
  definitionInvalid,
  preconditionFailed,
  TooManyMachines,
  wouldStrand,
} from './errors.ts'
import { moveIndexes } from './moved-indexes.ts'
import { createPreparedIndexes } from './prepared-indexes.ts'
import { machineFrom, type MachineRows } from './rows.ts'
import { strandedBy, type StrandedEntities } from './stranded.ts'
import type { MachineTables } from './tables.ts'

type Tables = MachineTables & StateTables

/** The elements of arrays at a path that becomes indexed are looked for in every state. */
const REPLACEMENT_TIMEOUT_MS = 120_000

export interface ReplacementDeps {
  store: Database<Tables>
  rows: MachineRows
  isBuiltIn: (entity: string) => boolean
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

function isSame(machine: Machine, definition: MachineDefinition): boolean {
  const { statuses, initial, transitions, expiry, indexes } = machine
  const before = { statuses, initial, transitions, expiry, indexes }
  return isDeepStrictEqual(before, { expiry: undefined, indexes: undefined, ...definition })
}

async function save(
  trx: Transaction<MachineTables>,
  dialect: DialectSql,
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
      created_at: dialect.now(),
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

async function checkLimit(trx: Kysely<Tables>, limit: number): Promise<void> {
  const { count } = await trx
    .selectFrom('machines')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  if (count >= limit) throw new TooManyMachines(limit)
}

async function checkStranded(
  trx: Kysely<Tables>,
  entity: string,
  statuses: readonly string[],
): Promise<void> {
  const { strandedTotal, stranded } = await strandedBy(trx, entity, statuses)
  if (strandedTotal > 0) throw wouldStrand(entity, strandedTotal, stranded)
}

/** Puts rules of users into force. */
export function createReplacement({ store, rows, isBuiltIn, machineLimit }: ReplacementDeps) {
  const indexes = createPreparedIndexes({ store, rows })

  function check(entity: string, definition: MachineDefinition): void {
    if (isBuiltIn(entity)) throw new BuiltIn(entity)
    const errors = definitionErrors(definition)
    if (errors.length > 0) throw definitionInvalid(errors)
  }

  /** What stands in the way of new rules, and which they replace. @throws 409, 412 */
  async function assess(db: Kysely<Tables>, rules: NewRules, current: Machine | undefined) {
    const { entity, definition, conditions, force } = rules
    if (!isMet(conditions, current?.version)) throw preconditionFailed(current?.version)
    if (current === undefined) await checkLimit(db, machineLimit)
    else if (isSame(current, definition)) return
    if (!force) await checkStranded(db, entity, definition.statuses)
  }

  /** @returns the paths whose indexes were made */
  async function prepare(rules: NewRules): Promise<string[]> {
    const { entity, definition } = rules
    const current = await rows.find(entity)
    const paths = (definition.indexes ?? []).filter((path) => !current?.indexes?.includes(path))
    if (paths.length === 0) return []
    await assess(store.kysely, rules, current)
    await indexes.build(entity, paths)
    return paths
  }

  async function replace(trx: Transaction<Tables>, rules: NewRules) {
    const { entity, definition } = rules
    if (store.dialect === 'postgres') {
      await sql`set local statement_timeout = ${sql.lit(REPLACEMENT_TIMEOUT_MS)}`.execute(trx)
      // Waits for the writes under the old rules and holds off those that would still read them.
      await sql`lock table machines in exclusive mode`.execute(trx)
    }
    const current = await rows.find(entity, trx)
    await assess(trx, rules, current)
    if (current !== undefined && isSame(current, definition)) {
      return { machine: current, created: false }
    }
    const moved = { before: current?.indexes ?? [], after: definition.indexes ?? [] }
    await moveIndexes(trx, store, entity, moved)
    const machine = await save(trx, store, rules, (current?.version ?? 0) + 1)
    return { machine, created: current === undefined }
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
      const { entity, definition } = rules
      check(entity, definition)
      const built = await prepare(rules)
      try {
        return await store.write((trx) => replace(trx, rules), {
          timeoutMs: REPLACEMENT_TIMEOUT_MS,
        })
      } catch (error) {
        await indexes.dropUnused(entity, built)
        throw error
      }
    },
  }
}
