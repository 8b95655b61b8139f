import type { CustomEventData, EntityEventData } from '@potok/contracts/event'
import type { EntityEventName } from '@potok/contracts/state'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { sql } from 'kysely'
import { entityEventId, randomEventId } from './event-id.ts'

/** An event as the one who causes it gives it. */
export type NewEvent = {
  /** Epoch ms, by the store's clock. */
  timestampMs: number
  /** Made up when absent. */
  id?: string
} & (
  | { event: EntityEventName; data: EntityEventData }
  | { event: 'custom.event'; data: CustomEventData; correlationId: string }
)

/** An event that is in the log, once the transaction commits. */
export interface StoredEvent {
  id: string
  event: string
  timestampMs: number
  entity?: string
  entityId?: string
  /** Of the entity; custom events have none. */
  version?: number
  data: EntityEventData | CustomEventData
  correlationId: string
  /** JSON text `{"id","event","timestamp","data"}`. Serialised once: whoever passes it on passes on these bytes. */
  body: string
}

/** Writes rows of its own in the transaction of the events. SQL only. */
export type Participant = (trx: AnyTransaction, events: readonly StoredEvent[]) => Promise<void>

/** Serialises an event in the order of members that the contract shows. */
export function serialise(
  event: Pick<StoredEvent, 'id' | 'event' | 'timestampMs'> & { data: unknown },
): string {
  const { id, event: name, timestampMs, data } = event
  return JSON.stringify({ id, event: name, timestamp: new Date(timestampMs).toISOString(), data })
}

/** @param place among the events of its millisecond */
function storedFrom(given: NewEvent, place: number): StoredEvent {
  const { event, timestampMs } = given
  if (given.event === 'custom.event') {
    const { data, correlationId, id = randomEventId(timestampMs, place) } = given
    return {
      id,
      event,
      timestampMs,
      data,
      correlationId,
      ...(data.entity === undefined ? {} : { entity: data.entity }),
      ...(data.id === undefined ? {} : { entityId: data.id }),
      body: serialise({ id, event, timestampMs, data }),
    }
  }
  const { data } = given
  const { entity, id: entityId, version, correlationId } = data
  const id = given.id ?? entityEventId(data, timestampMs, place)
  const body = serialise({ id, event, timestampMs, data })
  return { id, event, timestampMs, entity, entityId, version, data, correlationId, body }
}

/** What the log keeps of an event for those who pass it on again. */
export interface KeptEvent {
  /** JSON text, as it was stored. */
  body: string
  correlationId: string
}

const COLUMNS = {
  id: 'text',
  position: 'bigint',
  event: 'text',
  timestamp_ms: 'bigint',
  entity: 'text',
  entity_id: 'text',
  correlation_id: 'text',
  body: 'text',
} as const

type Row = { [Name in keyof typeof COLUMNS]: string | number | null }

const rowOf = (event: StoredEvent, position: number | null): Row => ({
  id: event.id,
  position,
  event: event.event,
  timestamp_ms: event.timestampMs,
  entity: event.entity ?? null,
  entity_id: event.entityId ?? null,
  correlation_id: event.correlationId,
  body: event.body,
})

/** Putting rows into the log. One event, the common case, goes through a statement of its own. */
function inserting(database: AnyDatabase) {
  const columns = sql`id, position, event, timestamp_ms, entity, entity_id, correlation_id, body`
  const one = database.statement<Row>()(
    (slot) => sql`
      insert into event_log (${columns}) values (
        ${slot('id')}, ${slot('position')}, ${slot('event')}, ${slot('timestamp_ms')},
        ${slot('entity')}, ${slot('entity_id')}, ${slot('correlation_id')}, ${slot('body')})`,
  )
  const several = database.statement<{ events: string }>()(
    (slot) => sql`
      insert into event_log (${columns}) select ${columns}
      from ${database.rows(slot('events'), { n: 'bigint', ...COLUMNS })} as given where true order by n`,
  )
  return async (trx: AnyTransaction, rows: readonly Row[]): Promise<void> => {
    const [only] = rows
    if (rows.length === 1 && only !== undefined) await one(only, trx)
    else await several({ events: JSON.stringify(rows.map((row, n) => ({ n, ...row }))) }, trx)
  }
}

export interface EventLogDeps {
  database: AnyDatabase
  /** Called after a commit that brought events. */
  committed: () => void
}

/** The writing side of the event log. */
export function createEventLog({ database, committed }: EventLogDeps) {
  const participants: Participant[] = []

  const reserved = database.statement<{ count: number }>()(
    (slot) => sql<{ head: number }>`
      update event_log_head set head = head + ${slot('count')} where id = 1 returning head`,
  )
  const insert = inserting(database)
  const find = database.statement<{ ids: string }>()(
    (slot) => sql<{ id: string } & KeptEvent>`
      select id, body, correlation_id as "correlationId" from event_log
      where id in (select id from ${database.rows(slot('ids'), { id: 'text' })} as given)`,
  )
  const newest = database.statement<{ limit: number }>()(
    (slot) => sql<{ body: string }>`
      select body from event_log order by seq desc limit ${slot('limit')}`,
  )

  /** SQLite commits one after another, so a position can be given at once; PostgreSQL leaves it to the sequencer. */
  async function reserve(trx: AnyTransaction, count: number): Promise<number | undefined> {
    if (database.dialect === 'postgres') return undefined
    const [row] = (await reserved({ count }, trx)).rows
    return row === undefined ? undefined : row.head - count + 1
  }

  /** A large write comes in slices of one time: their ids go on where the last left off. */
  let latest = { timestampMs: 0, places: 0 }
  function placeOf(timestampMs: number): number {
    if (latest.timestampMs !== timestampMs) latest = { timestampMs, places: 0 }
    latest.places += 1
    return latest.places - 1
  }

  return {
    /**
     * Puts events into the log in the caller's transaction, together with what the participants write.
     * Events of one entity come in the order of its versions; the entity's row must be locked by then.
     */
    async append(trx: AnyTransaction, events: readonly NewEvent[]): Promise<StoredEvent[]> {
      if (events.length === 0) return []
      const stored = events.map((event) => storedFrom(event, placeOf(event.timestampMs)))
      const first = await reserve(trx, stored.length)
      const rows = stored.map((event, n) => rowOf(event, first === undefined ? null : first + n))
      await insert(trx, rows)
      for (const participant of participants) await participant(trx, stored)
      database.afterCommit(trx, committed)
      return stored
    },
    /** The bodies of those events that are still kept, by id. Without `trx` it reads what is committed. */
    async find(ids: readonly string[], trx?: AnyTransaction): Promise<Map<string, KeptEvent>> {
      const { rows } = await find({ ids: JSON.stringify(ids.map((id) => ({ id }))) }, trx)
      return new Map(rows.map(({ id, ...event }) => [id, event]))
    },
    /** The bodies of the newest events, newest first. */
    async newest(limit: number): Promise<string[]> {
      return (await newest({ limit })).rows.map(({ body }) => body)
    },
    /** Joins every later {@link append} in its transaction. */
    participate(participant: Participant): void {
      participants.push(participant)
    },
  }
}

export type EventLog = ReturnType<typeof createEventLog>
