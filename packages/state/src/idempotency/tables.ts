import type { NumberColumn } from '@potok/core/database'

/** An answer that was given under an `Idempotency-Key`, kept with the change that it tells of. */
export interface IdempotencyKeysTable {
  /** Digest of caller, actor, method, path and key. */
  id: string
  /** Digest of the payload. */
  payload: string
  status: number
  etag: string | null
  location: string | null
  /** The answer's body, JSON text; null: none. */
  body: string | null
  /** Epoch milliseconds. */
  created_at: NumberColumn
}

export interface IdempotencyTables {
  idempotency_keys: IdempotencyKeysTable
}
