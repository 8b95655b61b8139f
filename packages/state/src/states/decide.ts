import { isDeepStrictEqual } from 'node:util'
import type { Metadata } from '@potok/contracts/state'
import { isMet } from '@potok/core/lib/precondition'
import type { Rules } from '../machines/index.ts'
import type { By, Command, Outcome } from './command.ts'
import {
  alreadyExists,
  invalidTransition,
  NoTimeToLive,
  notFound,
  NothingToRenew,
  NotOwner,
  preconditionFailed,
  unknownStatus,
} from './errors.ts'
import { mergePatch } from './merge-patch.ts'
import { metadataText, type MetadataLimits } from './metadata.ts'
import { metadataOf, type StateRow } from './state-row.ts'

export interface Circumstances {
  rules: Rules
  by: By
  /** Epoch milliseconds by the store's clock. */
  now: number
  metadataLimitBytes: number
}

/** Time of a change: never before that of the version before it, whatever the clocks did. */
const timeOf = (now: number, before: StateRow | undefined): number =>
  Math.max(now, before?.updated_at ?? 0)

function checkStatus({ entity, status }: Command, rules: Rules): void {
  if (status !== undefined && !rules.knows(status)) {
    throw unknownStatus(entity, status, rules.statuses)
  }
}

function checkOwner(live: StateRow, { actor, scope }: By): void {
  if (scope === 'all' || live.created_by === actor) return
  const user = actor.startsWith('user:') ? actor.slice('user:'.length) : actor
  if (metadataOf(live.metadata)['assignee'] !== user) {
    throw new NotOwner(live.entity, live.entity_id)
  }
}

/** When a status that begins or is renewed now will expire. */
function expiryOf(
  status: string,
  ttlSeconds: number | undefined,
  at: number,
  rules: Rules,
): Pick<StateRow, 'expires_at' | 'ttl_seconds'> {
  const rule = rules.expiry(status)
  if (rule === undefined) {
    if (ttlSeconds !== undefined) throw new NoTimeToLive(status, rules.entity)
    return { expires_at: null, ttl_seconds: null }
  }
  const seconds = ttlSeconds ?? rule.afterSeconds
  return { expires_at: at + seconds * 1000, ttl_seconds: ttlSeconds ?? null }
}

/** A new entity, or one that comes again after its deletion and goes on counting versions. */
function begin(
  { entity, entityId, status: wanted, metadata = {}, reason, ttlSeconds }: Command,
  tombstone: StateRow | undefined,
  { rules, by, now, metadataLimitBytes }: Circumstances,
): Outcome {
  const status = wanted ?? rules.first
  if (!rules.allows(null, status)) throw invalidTransition(null, status, rules.after(null))
  const at = timeOf(now, tombstone)
  const row: StateRow = {
    entity,
    entity_id: entityId,
    status,
    version: (tombstone?.version ?? 0) + 1,
    metadata: metadataText(metadata, { bytes: metadataLimitBytes, indexes: rules.indexes }),
    created_at: at,
    created_by: by.actor,
    updated_at: at,
    updated_by: by.actor,
    ...expiryOf(status, ttlSeconds, at, rules),
    reason: reason ?? null,
    machine_version: rules.version,
    deleted_at: null,
  }
  const previousStatus = null
  return {
    kind: 'changed',
    event: 'entity.created',
    previousStatus,
    newStatus: status,
    row,
    metadata,
  }
}

function remove(live: StateRow, { reason }: Command, { rules, by, now }: Circumstances): Outcome {
  const at = timeOf(now, live)
  const row: StateRow = {
    ...live,
    version: live.version + 1,
    updated_at: at,
    updated_by: by.actor,
    expires_at: null,
    ttl_seconds: null,
    reason: reason ?? null,
    machine_version: rules.version,
    deleted_at: at,
  }
  return {
    kind: 'changed',
    event: 'entity.deleted',
    previousStatus: live.status,
    newStatus: null,
    row,
    metadata: metadataOf(live.metadata),
  }
}

/** The metadata after the change; `text` is undefined when they stay as they are. */
function nextMetadata(
  live: StateRow,
  { op, metadata }: Command,
  limits: MetadataLimits,
): { value: Metadata; text?: string } {
  const before = metadataOf(live.metadata)
  if (metadata === undefined) return { value: before }
  const value = op === 'patch' ? mergePatch(before, metadata) : metadata
  if (isDeepStrictEqual(before, value)) return { value: before }
  return { value, text: metadataText(value, limits) }
}

function change(live: StateRow, command: Command, circumstances: Circumstances): Outcome {
  const { rules, by, now, metadataLimitBytes } = circumstances
  const status = command.status ?? live.status
  const moves = status !== live.status
  // An expiry rule is its own permission.
  if (moves && command.op !== 'expire' && !rules.allows(live.status, status)) {
    throw invalidTransition(live.status, status, rules.after(live.status))
  }
  const metadata = nextMetadata(live, command, {
    bytes: metadataLimitBytes,
    indexes: rules.indexes,
  })
  const at = timeOf(now, live)
  // Who names the status, be it the same, gives a sign of life; who only changes metadata does not.
  const renews = command.status !== undefined || command.ttlSeconds !== undefined
  const kept = moves ? undefined : (live.ttl_seconds ?? undefined)
  const expiry = renews ? expiryOf(status, command.ttlSeconds ?? kept, at, rules) : {}
  if (!moves && metadata.text === undefined) {
    const row = { ...live, ...expiry }
    return { kind: row.expires_at === live.expires_at ? 'unchanged' : 'touched', row }
  }
  const row: StateRow = {
    ...live,
    status,
    version: live.version + 1,
    metadata: metadata.text ?? live.metadata,
    updated_at: at,
    updated_by: by.actor,
    ...expiry,
    reason: command.reason ?? null,
    machine_version: rules.version,
  }
  return {
    kind: 'changed',
    event: 'entity.updated',
    previousStatus: live.status,
    newStatus: status,
    row,
    metadata: metadata.value,
  }
}

function renew(live: StateRow, { ttlSeconds }: Command, { rules, now }: Circumstances): Outcome {
  if (rules.expiry(live.status) === undefined) {
    throw new NothingToRenew(live.entity, live.entity_id, live.status)
  }
  const ttl = ttlSeconds ?? live.ttl_seconds ?? undefined
  return {
    kind: 'touched',
    row: { ...live, ...expiryOf(live.status, ttl, timeOf(now, live), rules) },
  }
}

/** Looks again whether it is due: a heartbeat that came meanwhile wins. */
function expire(live: StateRow, command: Command, circumstances: Circumstances): Outcome {
  const { rules, now } = circumstances
  if (live.expires_at === null || live.expires_at > now) return { kind: 'unchanged', row: live }
  const rule = rules.expiry(live.status)
  // The rules were replaced and the status does not expire any more.
  if (rule === undefined)
    return { kind: 'touched', row: { ...live, expires_at: null, ttl_seconds: null } }
  const reason = `not renewed for ${live.ttl_seconds ?? rule.afterSeconds} s`
  return change(live, { ...command, status: rule.to, reason }, circumstances)
}

/**
 * What a command does to an entity as it is, by the rules in force. Pure: all checks, nothing stored.
 * @param current the stored row, a tombstone included; undefined: there never was one
 * @throws 403, 404, 409, 412, 422 as the wire contract has them
 */
export function decide(
  command: Command,
  current: StateRow | undefined,
  circumstances: Circumstances,
): Outcome {
  const { op, entity, entityId, conditions = {} } = command
  const { rules, by } = circumstances
  const live = current?.deleted_at === null ? current : undefined
  checkStatus(command, rules)
  if (live === undefined && op !== 'create' && op !== 'upsert') throw notFound(entity, entityId)
  if (live !== undefined) checkOwner(live, by)
  // Before the transition: who acts on an old version shall hear of that, not of what the new one forbids.
  if (live !== undefined && (op === 'create' || conditions.ifNoneMatch === '*')) {
    throw alreadyExists(entity, entityId, live.version)
  }
  if (!isMet(conditions, live?.version)) {
    throw preconditionFailed(entity, entityId, live?.version)
  }
  if (live === undefined) return begin(command, current, circumstances)
  if (op === 'delete') return remove(live, command, circumstances)
  if (op === 'heartbeat') return renew(live, command, circumstances)
  if (op === 'expire') return expire(live, command, circumstances)
  return change(live, command, circumstances)
}
