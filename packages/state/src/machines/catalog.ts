import { MachineDefinition, type Machine } from '@potok/contracts/machine'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { createParser } from '@potok/core/validation'
import { builtInMachines } from './built-in.ts'
import { unknownEntity, VersionNotFound } from './errors.ts'
import { createRules, type Rules } from './rules.ts'
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

export type Catalog = ReturnType<typeof createCatalog>

/**
 * The rules of every entity type: the built-in ones, and those that users have put. Rules of users are taken from
 * memory only when their stored version is still the remembered one, so that all replicas obey the same.
 */
export function createCatalog(store: AnyDatabase) {
  const { kysely, transaction } = store.as<MachineTables>()
  const builtIn = new Map(builtInMachines.map((machine) => [machine.entity, machine]))
  const builtInRules = new Map(
    builtInMachines.map((machine) => [machine.entity, createRules(machine)]),
  )
  const remembered = new Map<string, Rules>()

  const versionOf = (locked: boolean) =>
    store.statement<{ entity: string }>()<{ version: number }>((slot) => {
      const query = kysely
        .selectFrom('machines')
        .select('version')
        .where('entity', '=', slot('entity'))
      return locked && store.dialect === 'postgres' ? query.forShare() : query
    })
  const versionSeen = versionOf(false)
  /** The lock holds off a change of the rules until the write that obeys them is stored. */
  const versionInForce = versionOf(true)

  async function stored(entity: string, trx?: AnyTransaction): Promise<Machine | undefined> {
    const row = await (trx === undefined ? kysely : transaction(trx))
      .selectFrom('machines')
      .selectAll()
      .where('entity', '=', entity)
      .executeTakeFirst()
    if (row === undefined) return undefined
    return machineFrom(entity, row.version, row.definition, row.updated_at)
  }

  async function find(entity: string, trx?: AnyTransaction): Promise<Rules | undefined> {
    const code = builtInRules.get(entity)
    if (code !== undefined) return code
    const { rows } =
      trx === undefined ? await versionSeen({ entity }) : await versionInForce({ entity }, trx)
    const known = remembered.get(entity)
    if (known !== undefined && known.version === rows[0]?.version) return known
    const machine = rows.length === 0 ? undefined : await stored(entity, trx)
    if (machine === undefined) return undefined
    const rules = createRules(machine)
    remembered.set(entity, rules)
    return rules
  }

  /** The entity types, the built-in ones first. */
  async function known(trx?: AnyTransaction): Promise<string[]> {
    const rows = await (trx === undefined ? kysely : transaction(trx))
      .selectFrom('machines')
      .select('entity')
      .orderBy('entity')
      .limit(KNOWN_LIST_LIMIT)
      .execute()
    return [...builtIn.keys(), ...rows.map(({ entity }) => entity)]
  }

  const refuse = async (entity: string): Promise<never> => {
    throw unknownEntity(entity, await known())
  }

  return {
    known,
    isBuiltIn: (entity: string): boolean => builtIn.has(entity),
    /** For reads. @throws 404 with the known entity types */
    async rules(entity: string): Promise<Rules> {
      return (await find(entity)) ?? refuse(entity)
    },
    /** The rules that a write must obey, held in force until its end; entity types without rules are missing. */
    async rulesFor(trx: AnyTransaction, entities: Iterable<string>): Promise<Map<string, Rules>> {
      const found = new Map<string, Rules>()
      for (const entity of entities) {
        const rules = await find(entity, trx)
        if (rules !== undefined) found.set(entity, rules)
      }
      return found
    },
    /** Undefined where users have put none. */
    stored,
    /** @throws 404 unknown entity type, unknown version */
    async get(entity: string, version?: number): Promise<Machine> {
      const machine = builtIn.get(entity) ?? (await stored(entity)) ?? (await refuse(entity))
      if (version === undefined || version === machine.version) return machine
      const row = await kysely
        .selectFrom('machine_versions')
        .select(['definition', 'created_at'])
        .where('entity', '=', entity)
        .where('version', '=', version)
        .executeTakeFirst()
      if (row === undefined) throw new VersionNotFound(version, entity)
      return machineFrom(entity, version, row.definition, row.created_at)
    },
    async list(): Promise<Machine[]> {
      const rows = await kysely.selectFrom('machines').selectAll().orderBy('entity').execute()
      return [
        ...builtInMachines,
        ...rows.map((row) => machineFrom(row.entity, row.version, row.definition, row.updated_at)),
      ]
    },
  }
}
