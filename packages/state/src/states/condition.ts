import type { FieldError } from '@potok/contracts/problem'
import { ValueRefused } from '@potok/core/validation'

/** What a stored state can be asked about. */
export type Field =
  | { kind: 'text' | 'time' | 'number'; name: string; column: Column }
  | { kind: 'metadata'; name: string; path: string }

export type Column =
  | 'status'
  | 'entity_id'
  | 'version'
  | 'created_at'
  | 'created_by'
  | 'updated_at'
  | 'updated_by'
  | 'expires_at'

export type Scalar = string | number | boolean
export type Comparison = 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte' | 'startsWith'

export type Condition =
  | { kind: 'and' | 'or'; of: Condition[] }
  | { kind: 'not'; of: Condition }
  | { kind: 'compare'; field: Field; operator: Comparison; value: Scalar }
  | { kind: 'in'; field: Field; values: Scalar[] }
  | { kind: 'exists'; field: Field; value: boolean }

/** A segment is any identifier in any script; more than five are no sensible document. */
const METADATA_FIELD =
  /^metadata\.(?<path>[\p{L}_][\p{L}\p{N}_-]{0,62}(?:\.[\p{L}_][\p{L}\p{N}_-]{0,62}){0,4})$/u

const COLUMNS = new Map<string, Exclude<Field, { kind: 'metadata' }>>(
  (
    [
      ['text', 'status', 'status'],
      ['text', 'entityId', 'entity_id'],
      ['number', 'version', 'version'],
      ['time', 'createdAt', 'created_at'],
      ['text', 'createdBy', 'created_by'],
      ['time', 'updatedAt', 'updated_at'],
      ['text', 'updatedBy', 'updated_by'],
      ['time', 'expiresAt', 'expires_at'],
    ] as const
  ).map(([kind, name, column]) => [name, { kind, name, column }]),
)

export function refuse(path: string, message: string): never {
  const errors: FieldError[] = [{ path, message }]
  throw new ValueRefused(errors)
}

/** @throws ValueRefused (400) */
export function fieldOf(name: string, path: string): Field {
  const column = COLUMNS.get(name)
  if (column !== undefined) return column
  const metadata = METADATA_FIELD.exec(name)?.groups?.['path']
  if (metadata !== undefined) return { kind: 'metadata', name, path: metadata }
  const known = [...COLUMNS.keys(), 'metadata.<path>'].join(', ')
  return refuse(path, `is no field; known: ${known}`)
}

/** @returns epoch milliseconds. @throws ValueRefused (400) */
export function timeOf(text: unknown, path: string): number {
  const time = typeof text === 'string' ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? refuse(path, 'must be a time such as 2025-11-10T10:00:00.000Z') : time
}

const SCALAR_LENGTH_LIMIT = 1000

/** A value as the field is stored. @throws ValueRefused (400) */
export function scalarOf(field: Field, value: unknown, path: string): Scalar {
  if (field.kind === 'time') return timeOf(value, path)
  if (typeof value === 'string' && value.length > SCALAR_LENGTH_LIMIT) {
    return refuse(path, `must not be longer than ${SCALAR_LENGTH_LIMIT} characters`)
  }
  if (field.kind === 'number') {
    return typeof value === 'number' ? value : refuse(path, 'must be a number')
  }
  if (typeof value === 'string') return value
  if (field.kind === 'text') return refuse(path, 'must be a text')
  if (typeof value === 'number' || typeof value === 'boolean') return value
  return refuse(path, 'must be a text, a number or a boolean; for null use exists')
}
