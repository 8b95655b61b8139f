import type { NumberColumn } from '@potok/core/database'

/** A login. Its tokens carry `id` as `sid`. No token is stored, only what is needed to judge and repeat one. */
export interface AuthSessionTable {
  id: string
  user_id: string
  /** Version of the person at the login: a later change of their access ends the session. */
  user_version: NumberColumn
  username: string
  /** Network of the client that logged in, to know the person's usual places. */
  place: string
  user_agent: string
  created_at: NumberColumn
  /** When the refresh token in force was made. Its parent's grace counts from here. */
  rotated_at: NumberColumn
  expires_at: NumberColumn
  /** Number of the refresh token in force; that of the login is 1. */
  generation: number
  token_digest: string
  parent_digest: string | null
  revoked_at: NumberColumn | null
  revoked_reason: string | null
}

/** Login attempts of one name, or from one network, that were not yet followed by a success. */
interface AuthAttemptTable {
  /** Digest of what is counted: people type passwords into the wrong field. */
  key: string
  failures: number
  last_at: NumberColumn
}

/** Codes that are said to the bot to link a MAX account. One a person. */
interface AuthLinkCodeTable {
  code: string
  user_id: string
  expires_at: NumberColumn
}

export interface AuthTables {
  auth_sessions: AuthSessionTable
  auth_attempts: AuthAttemptTable
  auth_link_codes: AuthLinkCodeTable
}
