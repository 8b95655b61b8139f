import type { StateElementsTable, StateHistoryTable, StatesTable } from './tables.ts'

/** Names of columns with the type that they have in a list of given rows. */
export type Columns<Name extends string = string> = Readonly<Record<Name, 'text' | 'bigint'>>

export const STATE_COLUMNS = {
  entity: 'text',
  entity_id: 'text',
  status: 'text',
  version: 'bigint',
  metadata: 'text',
  created_at: 'bigint',
  created_by: 'text',
  updated_at: 'bigint',
  updated_by: 'text',
  expires_at: 'bigint',
  ttl_seconds: 'bigint',
  reason: 'text',
  machine_version: 'bigint',
  deleted_at: 'bigint',
} as const satisfies Columns<keyof StatesTable>

export const HISTORY_COLUMNS = {
  entity: 'text',
  entity_id: 'text',
  version: 'bigint',
  event: 'text',
  previous_status: 'text',
  new_status: 'text',
  metadata: 'text',
  actor: 'text',
  reason: 'text',
  correlation_id: 'text',
  machine_version: 'bigint',
  timestamp: 'bigint',
  created_at: 'bigint',
  created_by: 'text',
  expires_at: 'bigint',
} as const satisfies Columns<keyof StateHistoryTable>

export const ELEMENT_COLUMNS = {
  entity: 'text',
  entity_id: 'text',
  path: 'text',
  value: 'text',
} as const satisfies Columns<keyof StateElementsTable>

export function namesOf<Name extends string>(columns: Columns<Name>): Name[]
export function namesOf(columns: Columns): string[] {
  return Object.keys(columns)
}
