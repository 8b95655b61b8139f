import type { StatesTable, StateHistoryTable } from '../states/tables.ts'
import { FORMAT, FORMAT_VERSION } from './line-schemas.ts'

const iso = (ms: number): string => new Date(ms).toISOString()
const time = (name: string, ms: number | null): string =>
  ms === null ? '' : `,"${name}":"${iso(ms)}"`
const text = (name: string, value: string | null): string =>
  value === null ? '' : `,"${name}":${JSON.stringify(value)}`
const nullable = (value: string | null): string => (value === null ? 'null' : `"${value}"`)

/**
 * The lines of an export. Stored metadata goes in as the text that it is; what is put between bare quotes needs no escape
 * by its pattern.
 */
export function stateLine(row: StatesTable): string {
  const ttl = row.ttl_seconds === null ? '' : `,"ttlSeconds":${row.ttl_seconds}`
  return (
    `{"type":"state","entity":"${row.entity}","entityId":"${row.entity_id}","status":"${row.status}"` +
    `,"version":${row.version},"metadata":${row.metadata}` +
    `,"createdAt":"${iso(row.created_at)}","createdBy":"${row.created_by}"` +
    `,"updatedAt":"${iso(row.updated_at)}","updatedBy":"${row.updated_by}"` +
    `${time('expiresAt', row.expires_at)}${ttl}${text('reason', row.reason)}` +
    `,"machineVersion":${row.machine_version}${time('deletedAt', row.deleted_at)}}\n`
  )
}

export function historyLine(row: StateHistoryTable): string {
  return (
    `{"type":"history","entity":"${row.entity}","entityId":"${row.entity_id}","version":${row.version}` +
    `,"event":"${row.event}","previousStatus":${nullable(row.previous_status)}` +
    `,"newStatus":${nullable(row.new_status)},"metadata":${row.metadata},"actor":"${row.actor}"` +
    `${text('reason', row.reason)},"correlationId":"${row.correlation_id}"` +
    `,"machineVersion":${row.machine_version},"timestamp":"${iso(row.timestamp)}"` +
    `,"createdAt":"${iso(row.created_at)}","createdBy":"${row.created_by}"` +
    `${time('expiresAt', row.expires_at)}}\n`
  )
}

export interface MachineVersion {
  entity: string
  version: number
  /** JSON text. */
  definition: string
  created_at: number
  created_by: string
}

export function machineLine(row: MachineVersion): string {
  return (
    `{"type":"machine","entity":"${row.entity}","version":${row.version}` +
    `,"definition":${row.definition},"createdAt":"${iso(row.created_at)}"` +
    `,"createdBy":"${row.created_by}"}\n`
  )
}

export const headerLine = (exportedAt: number): string =>
  `{"type":"header","format":"${FORMAT}","version":${FORMAT_VERSION},"exportedAt":"${iso(exportedAt)}"}\n`

export interface Totals {
  machines: number
  states: number
  history: number
}

export const endLine = (totals: Totals): string => `${JSON.stringify({ type: 'end', ...totals })}\n`
