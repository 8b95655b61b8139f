import { setTimeout as pause } from 'node:timers/promises'
import type { State } from '@potok/contracts/state'
import { call } from '../../system/api.ts'
import type { Random } from '../random.ts'

/** A write that the service acknowledged, as it answered. */
export interface Acknowledged {
  entityId: string
  version: number
  status: string
  metadata: Record<string, unknown>
}

export interface Writers {
  acknowledged: Acknowledged[]
  /** Entities whose deletion was acknowledged, once each time. */
  deleted: string[]
  /** Answers that refused the write for a reason of the rules: 404, 409, 412. */
  refused: number
  /** Requests that found nobody there. */
  away: number
  /** Writes whose fate is unknown because the connection broke. */
  unknown: number
  /** Answers that nobody should get, such as a 500. */
  wrong: string[]
}

export const KEY = { 'x-api-key': 'gateway-service-key' }
const STATUSES = ['created', 'pending', 'in_progress', 'completed', 'failed'] as const
const EXPECTED_REFUSALS = new Set([404, 409, 412])

/** Long enough for the process to start beside those who knock. */
const AWAY_PAUSE_MS = 50

interface Attempt {
  method: string
  path: string
  json?: object
  headers?: Record<string, string>
}

function attempt(random: Random, entityId: string, known: number | undefined): Attempt {
  const status = random.pick(STATUSES)
  const metadata = { n: random.integer(0, 1_000_000), assignee: `user_${random.integer(1, 5)}` }
  const one = `/api/v1/states/task/${entityId}`
  const dice = random.next()
  if (dice < 0.4)
    return { method: 'POST', path: '/api/v1/states/task', json: { entityId, status, metadata } }
  if (dice < 0.65) return { method: 'PUT', path: one, json: { status, metadata } }
  if (dice < 0.85) {
    const headers = known === undefined ? {} : { 'if-match': `"${known}"` }
    return { method: 'PATCH', path: one, json: { metadata: { n: metadata.n } }, headers }
  }
  if (dice < 0.9) return { method: 'DELETE', path: one }
  return { method: 'PUT', path: one, json: { status, reason: 'torture' } }
}

const isRefused = ({ cause }: { cause?: unknown }): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED'

/**
 * Writers that change random tasks until `stopped()`; each remembers what was acknowledged.
 * @param origins the replicas; a writer asks one of them at random each time
 */
export async function write(
  origins: readonly [string, ...string[]],
  random: Random,
  options: { writers: number; entities: number; stopped: () => boolean; into: Writers },
): Promise<void> {
  const { into, entities, stopped } = options
  const versions = new Map<string, number>()
  const once = async (): Promise<void> => {
    const entityId = `t${random.integer(1, entities)}`
    const { method, path, json, headers } = attempt(random, entityId, versions.get(entityId))
    try {
      const { status, body } = await call<State>(`${random.pick(origins)}${path}`, {
        method,
        headers: { ...KEY, ...headers },
        ...(json === undefined ? {} : { json }),
      })
      if (status === 204) into.deleted.push(entityId)
      else if (status === 200 || status === 201) {
        versions.set(entityId, body.version)
        const { version, metadata } = body
        into.acknowledged.push({ entityId, version, status: body.status, metadata })
      } else if (EXPECTED_REFUSALS.has(status)) into.refused += 1
      else if (status !== 503)
        into.wrong.push(`${method} ${path}: ${status} ${JSON.stringify(body)}`)
    } catch (error) {
      // The process died under the request: the checker takes whatever the history says.
      if (isRefused(error as Error)) into.away += 1
      else into.unknown += 1
      await pause(AWAY_PAUSE_MS)
    }
  }
  const writer = async (): Promise<void> => {
    while (!stopped()) await once()
  }
  await Promise.all(Array.from({ length: options.writers }, writer))
}
