import type { NewEvent } from '../events/index.ts'
import type { Rules } from '../machines/index.ts'
import type { By, Changed } from './command.ts'
import type { HistoryRow, StateRow } from './state-row.ts'

/** A change that is to be stored. */
export interface Change {
  changed: Changed
  rules: Rules
  by: By
}

/** Tells entities apart within one write. */
export const keyOf = ({ entity, entity_id }: Pick<StateRow, 'entity' | 'entity_id'>): string =>
  `${entity}/${entity_id}`

export function historyOf({ changed, by }: Change): HistoryRow {
  const { event, previousStatus, newStatus, row } = changed
  return {
    entity: row.entity,
    entity_id: row.entity_id,
    version: row.version,
    event,
    previous_status: previousStatus,
    new_status: newStatus,
    metadata: row.metadata,
    actor: by.actor,
    reason: row.reason,
    correlation_id: by.correlationId,
    machine_version: row.machine_version,
    timestamp: row.updated_at,
    created_at: row.created_at,
    created_by: row.created_by,
    expires_at: row.expires_at,
  }
}

export function eventOf({ changed, by }: Change): NewEvent {
  const { event, previousStatus, newStatus, row, metadata } = changed
  return {
    event,
    timestampMs: row.updated_at,
    data: {
      entity: row.entity,
      id: row.entity_id,
      previousStatus,
      newStatus,
      metadata,
      version: row.version,
      actor: by.actor,
      reason: row.reason,
      correlationId: by.correlationId,
    },
  }
}
