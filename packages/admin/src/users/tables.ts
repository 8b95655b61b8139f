import type { ColumnType } from 'kysely'
import type { JsonColumn, NumberColumn } from '@potok/core/database'

export interface UserRow {
  id: string
  /** Lower case. */
  username: string
  display_name: string
  /** JSON array. */
  roles: JsonColumn
  /** JSON array. */
  skills: JsonColumn
  capacity: NumberColumn
  max_user_id: ColumnType<number | null, number | null, number | null>
  time_zone: string
  /** 0 or 1. */
  active: NumberColumn
  /** Lower-case username and display name, for `q`: SQLite's own lower() knows ASCII only. */
  search_text: string
  version: NumberColumn
  created_at: NumberColumn
  updated_at: NumberColumn
}

export interface UsersTables {
  users: UserRow
  /** Apart from the person, so that no query for people can carry a hash along. */
  credentials: {
    user_id: string
    password_hash: string
    changed_at: NumberColumn
  }
  /** Roles and skills once more, one a row: the index behind the filters. */
  user_labels: {
    user_id: string
    kind: 'role' | 'skill'
    /** Lower case. */
    label: string
  }
  /** Whoever got other roles or another password, was switched off or on, or removed; the last time of each. */
  access_changes: {
    user_id: string
    /** The version that the person has, or would have, since. */
    version: NumberColumn
    changed_at: NumberColumn
  }
}
