import type { EntityEventName, Metadata } from '@potok/contracts/state'
import type { Conditions } from '@potok/core/lib/precondition'
import type { StateRow } from './state-row.ts'

/**
 * What a caller wants done to one entity. `create`: only when absent; `upsert`: create or change; `update` and `patch`:
 * only when present; `expire`: what the sweeper does.
 */
export interface Command {
  op: 'create' | 'upsert' | 'update' | 'patch' | 'delete' | 'heartbeat' | 'expire'
  entity: string
  entityId: string
  status?: string | undefined
  /** `patch`: a merge patch; else a replacement; absent: kept. */
  metadata?: Metadata | undefined
  reason?: string | undefined
  ttlSeconds?: number | undefined
  conditions?: Conditions | undefined
}

/** On whose behalf, as it will stand in the history. */
export interface By {
  actor: string
  /** `own`: only what the actor created or is assigned to. */
  scope: 'all' | 'own'
  correlationId: string
}

/** A command, and who gives it. */
export interface Order {
  command: Command
  by: By
}

export interface Changed {
  kind: 'changed'
  event: EntityEventName
  previousStatus: string | null
  /** Null: deleted. */
  newStatus: string | null
  /** As it is now; a deleted one with `deleted_at`. */
  row: StateRow
  /** The row's metadata, parsed. */
  metadata: Metadata
}

/** `touched`: only the expiry moved, which makes no version; `unchanged`: nothing is to be stored. */
export type Outcome = Changed | { kind: 'touched' | 'unchanged'; row: StateRow }
