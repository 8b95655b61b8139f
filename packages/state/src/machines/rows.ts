import { MachineDefinition, type Machine } from '@potok/contracts/machine'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { createParser } from '@potok/core/validation'
import type { MachineTables } from './tables.ts'

/** Entity types that a 404 names. */
const KNOWN_LIST_LIMIT = 50

const parseDefinition = createParser(MachineDefinition)

/** A stored version as the wire shows it. @param at epoch milliseconds */
export function machineFrom(
  entity: string,
  version: number,
  definition: string,
  at: number,
): Machine {
  return {
    entity,
    version,
    builtIn: false,
    updatedAt: new Date(at).toISOString(),
    ...parseDefinition(JSON.parse(definition)),
  }
}

export type MachineRows = ReturnType<typeof createMachineRows>

/** The stored rules of users. Reads go into the transaction where one is given. */
export function createMachineRows(store: AnyDatabase) {
  const tables = store.as<MachineTables>()
  const within = (trx: AnyTransaction | undefined) =>
    trx === undefined ? tables.kysely : tables.transaction(trx)

  const versionOf = (locked: boolean) =>
    store.statement<{ entity: string }>()<{ version: number }>((slot) => {
      const query = tables.kysely
        .selectFrom('machines')
        .select('version')
        .where('entity', '=', slot('entity'))
      return locked && store.dialect === 'postgres' ? query.forShare() : query
    })
  const versionSeen = versionOf(false)
  const versionInForce = versionOf(true)

  return {
    /** In a transaction it is locked: a change of the rules waits until the write that obeys them is stored. */
    async version(entity: string, trx?: AnyTransaction): Promise<number | undefined> {
      const { rows } =
        trx === undefined ? await versionSeen({ entity }) : await versionInForce({ entity }, trx)
      return rows[0]?.version
    },
    async find(entity: string, trx?: AnyTransaction): Promise<Machine | undefined> {
      const row = await within(trx)
        .selectFrom('machines')
        .selectAll()
        .where('entity', '=', entity)
        .executeTakeFirst()
      if (row === undefined) return undefined
      return machineFrom(entity, row.version, row.definition, row.updated_at)
    },
    async findVersion(entity: string, version: number): Promise<Machine | undefined> {
      const row = await tables.kysely
        .selectFrom('machine_versions')
        .select(['definition', 'created_at'])
        .where('entity', '=', entity)
        .where('version', '=', version)
        .executeTakeFirst()
      return row && machineFrom(entity, version, row.definition, row.created_at)
    },
    async list(): Promise<Machine[]> {
      const rows = await tables.kysely
        .selectFrom('machines')
        .selectAll()
        .orderBy('entity')
        .execute()
      return rows.map((row) => machineFrom(row.entity, row.version, row.definition, row.updated_at))
    },
    async names(trx?: AnyTransaction): Promise<string[]> {
      const rows = await within(trx)
        .selectFrom('machines')
        .select('entity')
        .orderBy('entity')
        .limit(KNOWN_LIST_LIMIT)
        .execute()
      return rows.map(({ entity }) => entity)
    },
  }
}
