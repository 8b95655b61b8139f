/** Entities whose newest version the external DB refused for good: nothing happens to them by itself. */
export interface ExternalDbParkedTable {
  entity: string
  entity_id: string
  version: number
  /** HTTP status of the refusal; 0: there was none. */
  status: number
  /** What it said, for people. */
  detail: string
  /** Epoch milliseconds. */
  parked_at: number
}

export interface ExternalDbTables {
  external_db_parked: ExternalDbParkedTable
}
