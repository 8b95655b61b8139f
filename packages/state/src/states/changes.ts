import type { Written } from '../cache/index.ts'
import type { NewEvent } from '../events/index.ts'
import type { Rules } from '../machines/index.ts'
import type { By, Changed } from './command.ts'
import { stateJson, type HistoryRow, type StateRow } from './state-row.ts'

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

/** What a write left of its entities, for the cache. @param touched those of which only the expiry moved */
export function writtenOf(rows: readonly StateRow[], touched: readonly StateRow[]): Written[] {
  return [
    ...rows.map((row) => ({ ...placeOf(row), body: lastingBody(row), touched: false })),
    ...touched.map((row) => ({ ...placeOf(row), body: undefined, touched: true })),
  ]
}

const placeOf = ({ entity, entity_id: id, version }: StateRow) => ({ entity, id, version })

/** One that expires changes with every heartbeat, without a new version: nobody may keep it. */
const lastingBody = (row: StateRow): string | undefined =>
  row.deleted_at === null && row.expires_at === null ? stateJson(row) : undefined
