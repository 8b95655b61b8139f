import type { StateHistoryTable, StatesTable } from '../states/tables.ts'
import { lineInvalid } from './errors.ts'
import type { HistoryLine, StateLine } from './line-schemas.ts'

/** Epoch milliseconds. @throws 422: a date that no calendar has */
export function timeOf(line: number, name: string, text: string): number {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw lineInvalid(line, [{ path: `/${name}`, message: 'is no date' }])
  return ms
}

const optionalTime = (line: number, name: string, text: string | undefined): number | null =>
  text === undefined ? null : timeOf(line, name, text)

/** @param metadata its JSON text */
export function stateRow(line: number, state: StateLine, metadata: string): StatesTable {
  return {
    entity: state.entity,
    entity_id: state.entityId,
    status: state.status,
    version: state.version,
    metadata,
    created_at: timeOf(line, 'createdAt', state.createdAt),
    created_by: state.createdBy,
    updated_at: timeOf(line, 'updatedAt', state.updatedAt),
    updated_by: state.updatedBy,
    expires_at: optionalTime(line, 'expiresAt', state.expiresAt),
    ttl_seconds: state.ttlSeconds ?? null,
    reason: state.reason ?? null,
    machine_version: state.machineVersion,
    deleted_at: optionalTime(line, 'deletedAt', state.deletedAt),
  }
}

/** @param metadata its JSON text */
export function historyRow(line: number, entry: HistoryLine, metadata: string): StateHistoryTable {
  return {
    entity: entry.entity,
    entity_id: entry.entityId,
    version: entry.version,
    event: entry.event,
    previous_status: entry.previousStatus,
    new_status: entry.newStatus,
    metadata,
    actor: entry.actor,
    reason: entry.reason ?? null,
    correlation_id: entry.correlationId,
    machine_version: entry.machineVersion,
    timestamp: timeOf(line, 'timestamp', entry.timestamp),
    created_at: timeOf(line, 'createdAt', entry.createdAt),
    created_by: entry.createdBy,
    expires_at: optionalTime(line, 'expiresAt', entry.expiresAt),
  }
}
