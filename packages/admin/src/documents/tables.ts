import type { ColumnType } from 'kysely'
import type { JsonColumn, NumberColumn } from '@potok/core/database'

type NullableNumber = ColumnType<
  number | null,
  NumberColumn['__insert__'] | null,
  NumberColumn['__update__'] | null
>

export interface DocumentRow {
  entity: string
  id: string
  /** The document; `{}` in a tombstone. */
  body: JsonColumn
  /** Of the JSON text, in UTF-16 units: pages are cut by it before the bodies are read. */
  size: NumberColumn
  /** `version` of the body, or of the delete; null: whoever writes last wins. */
  body_version: NullableNumber
  /** Ours, in the ETag: begins at the clock, so that it does not repeat when a tombstone has been forgotten. */
  revision: NumberColumn
  created_at: NumberColumn
  updated_at: NumberColumn
  /** Set: a tombstone, kept for a while so that a late write of an older version does not bring the document back. */
  deleted_at: NullableNumber
}

export interface DocumentsTables {
  documents: DocumentRow
}
