import type { Machine } from '@potok/contracts/machine'
import type { AnyTransaction } from '@potok/core/database'
import { builtInMachines, builtInRules } from './built-in.ts'
import { unknownEntity, VersionNotFound } from './errors.ts'
import type { MachineRows } from './rows.ts'
import { createRules, type Rules } from './rules.ts'

export type Catalog = ReturnType<typeof createCatalog>

/**
 * The rules of every entity type: the built-in ones, and those that users have put. Rules of users are taken from
 * memory only when their stored version is still the remembered one, so that all replicas obey the same.
 */
export function createCatalog(rows: MachineRows) {
  const builtIn = new Map(builtInMachines.map((machine) => [machine.entity, machine]))
  const remembered = new Map<string, Rules>()

  async function find(entity: string, trx?: AnyTransaction): Promise<Rules | undefined> {
    const code = builtInRules.get(entity)
    if (code !== undefined) return code
    const version = await rows.version(entity, trx)
    if (version === undefined) return undefined
    const cached = remembered.get(entity)
    if (cached?.version === version) return cached
    const machine = await rows.find(entity, trx)
    if (machine === undefined) return undefined
    const rules = createRules(machine)
    remembered.set(entity, rules)
    return rules
  }

  /** The entity types, the built-in ones first. */
  const known = async (trx?: AnyTransaction): Promise<string[]> => [
    ...builtIn.keys(),
    ...(await rows.names(trx)),
  ]

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
    /** @throws 404 unknown entity type, unknown version */
    async get(entity: string, version?: number): Promise<Machine> {
      const machine = builtIn.get(entity) ?? (await rows.find(entity)) ?? (await refuse(entity))
      if (version === undefined || version === machine.version) return machine
      const old = await rows.findVersion(entity, version)
      if (old === undefined) throw new VersionNotFound(version, entity)
      return old
    },
    list: async (): Promise<Machine[]> => [...builtInMachines, ...(await rows.list())],
  }
}
