/** The newest state of an entity. A deleted one stays as a tombstone, which carries the version on. */
export interface StatesTable {
  entity: string
  entity_id: string
  status: string
  version: number
  /** JSON text. */
  metadata: string
  /** Times are epoch milliseconds by the store's clock. */
  created_at: number
  created_by: string
  updated_at: number
  updated_by: string
  /** When the status falls to what the machine's expiry rule says; null: never. */
  expires_at: number | null
  /** The time to live that was asked for, in seconds; null: the rule's own. */
  ttl_seconds: number | null
  /** Why the last change was made. */
  reason: string | null
  /** Version of the rules that the last change obeyed. */
  machine_version: number
  deleted_at: number | null
}

/** Every version that an entity ever had, never changed once written. */
export interface StateHistoryTable {
  entity: string
  entity_id: string
  version: number
  event: string
  previous_status: string | null
  /** Null: this version is a deletion. */
  new_status: string | null
  metadata: string
  actor: string
  reason: string | null
  correlation_id: string
  machine_version: number
  /** Never earlier than that of the version before. */
  timestamp: number
  /** The three below make an answer of "as it was" out of one row. */
  created_at: number
  created_by: string
  expires_at: number | null
}

/** Elements of arrays at indexed metadata paths, so that "has this tag" is a search and no scan. */
export interface StateElementsTable {
  entity: string
  path: string
  value: string
  entity_id: string
}

export interface StateTables {
  states: StatesTable
  state_history: StateHistoryTable
  state_elements: StateElementsTable
}
