import type { AnyDatabase, DatabaseLog } from '@potok/core/database'
import type { State } from '@potok/contracts/state'
import { isUpstreamError } from '@potok/core/http-client'
import { ValueRefused } from '@potok/core/validation'
import type { StateTables } from '../states/tables.ts'
import type { Client } from './client.ts'
import { pathOf, stateOf } from './document.ts'

export type ReadThrough =
  | { kind: 'found'; state: State }
  | { kind: 'absent' }
  /** Nobody knows: it could not be asked. */
  | { kind: 'unavailable' }

export interface ReadThroughDeps {
  store: AnyDatabase
  client: Pick<Client, 'request'>
  log: Pick<DatabaseLog, 'warn' | 'debug'>
  /** The longest that a reader waits. */
  deadlineMs: number
  count: (outcome: ReadThrough['kind']) => void
}

/** Looks up in the external DB what this store never had. */
export function createReadThrough({ store, client, log, deadlineMs, count }: ReadThroughDeps) {
  const { kysely } = store.as<StateTables>()
  const know = store.statement<{ entity: string; id: string }>()<{ version: number }>((slot) =>
    kysely
      .selectFrom('states')
      .select('version')
      .where('entity', '=', slot('entity'))
      .where('entity_id', '=', slot('id')),
  )

  async function ask(entity: string, id: string): Promise<ReadThrough> {
    const { status, body } = await client.request({
      method: 'GET',
      path: pathOf(entity, id),
      deadlineMs,
    })
    if (status === 404) return { kind: 'absent' }
    if (status !== 200) return { kind: 'unavailable' }
    const state = stateOf(entity, id, body.json())
    return state === undefined ? { kind: 'absent' } : { kind: 'found', state }
  }

  async function read(entity: string, id: string): Promise<ReadThrough> {
    try {
      return await ask(entity, id)
    } catch (error) {
      if (error instanceof ValueRefused) {
        const place = { entityType: entity, entityId: id, err: error }
        log.warn(place, 'what the external DB has under this id is no state')
        return { kind: 'absent' }
      }
      if (!isUpstreamError(error)) throw error
      log.debug({ err: error }, 'the external DB could not be asked')
      return { kind: 'unavailable' }
    }
  }

  return async (entity: string, id: string): Promise<ReadThrough> => {
    // Deleted here: there it may live on until its delete has arrived.
    if ((await know({ entity, id })).rows.length > 0) return { kind: 'absent' }
    const outcome = await read(entity, id)
    count(outcome.kind)
    return outcome
  }
}
