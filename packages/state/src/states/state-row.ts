import type { Metadata } from '@potok/contracts/state'
import type { StateHistoryTable, StatesTable } from './tables.ts'

export type StateRow = StatesTable
export type HistoryRow = StateHistoryTable

const iso = (ms: number): string => new Date(ms).toISOString()

const isObject = (value: unknown): value is Metadata =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The metadata of a row. What we stored is always an object. */
export function metadataOf(text: string): Metadata {
  const value: unknown = JSON.parse(text)
  return isObject(value) ? value : {}
}

/** A member that is left out when there is nothing to say. */
const optional = (name: string, value: string | null): string =>
  value === null ? '' : `,"${name}":${value}`

/**
 * A `State` as JSON text. The stored metadata goes in as the text that it is, neither parsed nor serialised again; what
 * is put between bare quotes needs no escape by its pattern.
 */
export function stateJson(row: StateRow): string {
  const expiresAt = row.expires_at === null ? null : `"${iso(row.expires_at)}"`
  const reason = row.reason === null ? null : JSON.stringify(row.reason)
  return (
    `{"entity":"${row.entity}","entityId":"${row.entity_id}","status":"${row.status}"` +
    `,"version":${row.version},"metadata":${row.metadata}` +
    `,"createdAt":"${iso(row.created_at)}","createdBy":"${row.created_by}"` +
    `,"updatedAt":"${iso(row.updated_at)}","updatedBy":"${row.updated_by}"` +
    `${optional('expiresAt', expiresAt)}${optional('reason', reason)}}`
  )
}

const quoted = (text: string | null): string => (text === null ? 'null' : `"${text}"`)

/** A `HistoryEntry` as JSON text. */
function historyJson(row: HistoryRow): string {
  const reason = row.reason === null ? null : JSON.stringify(row.reason)
  return (
    `{"version":${row.version},"event":"${row.event}"` +
    `,"previousStatus":${quoted(row.previous_status)},"newStatus":${quoted(row.new_status)}` +
    `,"metadata":${row.metadata},"actor":"${row.actor}"${optional('reason', reason)}` +
    `,"correlationId":"${row.correlation_id}","machineVersion":${row.machine_version}` +
    `,"timestamp":"${iso(row.timestamp)}"}`
  )
}

/** A page of history as JSON text. */
export function historyPageJson(page: {
  rows: readonly HistoryRow[]
  nextCursor?: number
}): string {
  const next = page.nextCursor === undefined ? null : `"${page.nextCursor}"`
  return `{"items":[${page.rows.map(historyJson).join(',')}]${optional('nextCursor', next)}}`
}

/** The state that a version of the history was; undefined: it was a deletion. */
export function stateAt(row: HistoryRow): StateRow | undefined {
  if (row.new_status === null) return undefined
  return {
    entity: row.entity,
    entity_id: row.entity_id,
    status: row.new_status,
    version: row.version,
    metadata: row.metadata,
    created_at: row.created_at,
    created_by: row.created_by,
    updated_at: row.timestamp,
    updated_by: row.actor,
    expires_at: row.expires_at,
    ttl_seconds: null,
    reason: row.reason,
    machine_version: row.machine_version,
    deleted_at: null,
  }
}
