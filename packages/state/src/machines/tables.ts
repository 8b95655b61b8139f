import type { NumberColumn } from '@potok/core/database'

/** The rules in force of an entity type of the users' own. Built-in ones are code. */
export interface MachinesTable {
  entity: string
  version: number
  /** JSON text of the definition. */
  definition: string
  /** Epoch milliseconds. */
  updated_at: NumberColumn
  updated_by: string
}

/** Every version that the rules of an entity type ever had. */
export interface MachineVersionsTable {
  entity: string
  version: number
  definition: string
  created_at: NumberColumn
  created_by: string
}

export interface MachineTables {
  machines: MachinesTable
  machine_versions: MachineVersionsTable
}
