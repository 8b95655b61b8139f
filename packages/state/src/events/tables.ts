import type { Generated } from 'kysely'

/** One event. Written in the transaction of the change that it tells of. */
export interface EventLogTable {
  /** Order of insertion, not of commit: only the sequencer looks at it. */
  seq: Generated<number>
  /** `evt_…`, the same at every delivery. */
  id: string
  /** Place in the log's one order, without gaps; null until the sequencer has seen the commit. */
  position: number | null
  /** `entity.created`, `custom.event` … */
  event: string
  timestamp_ms: number
  entity: string | null
  entity_id: string | null
  /** Of the request that made it; goes along with deliveries. */
  correlation_id: string
  /** JSON text `{"id","event","timestamp","data"}`, serialised once: what is signed is what is sent. */
  body: string
}

/** The one row that knows where the log begins and ends. */
export interface EventLogHeadTable {
  /** Always 1. */
  id: number
  /** Position of the newest event; 0: none yet. */
  head: number
  /** Position of the newest event that retention has removed; 0: none yet. */
  purged: number
  /** Epoch of the newest stretch: a process that knows another one reads `event_epochs` again. */
  epoch: string
}

/** A stretch of the log: the positions above `after_position`, up to the next stretch, belong to `epoch`. */
export interface EventEpochsTable {
  epoch: string
  after_position: number
}

export interface EventTables {
  event_log: EventLogTable
  event_log_head: EventLogHeadTable
  event_epochs: EventEpochsTable
}
