import { sql, type RawBuilder } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '../database/index.ts'

/** A lane in which something is ready. */
export interface LaneRow {
  lane: string
  held: number
  /** How many lanes were passed to get here. */
  seen: number
  ramp_from: number
  ramp_ms: number
  at: number
}

function createLook(database: AnyDatabase, queue: string, lanesSeen: number) {
  // "order by … limit 1", not min(): without statistics PostgreSQL reads all to find the least.
  const next = (
    after: RawBuilder<string>,
  ): RawBuilder<string | null> => sql`(select j.lane from queue_jobs j
    where j.queue = ${queue} and j.state = 0 and j.lane > ${after} order by j.lane limit 1)`
  // A loose index scan: one seek a lane, however many jobs wait in it. Held lanes do not count.
  return database.statement<{ after: string; limit: number }>()(
    (slot) => sql<LaneRow>`
        with recursive ready(lane, usable, seen) as (
          select ${next(slot('after'))}, 0, 1
          union all
          select ${next(sql.ref('ready.lane'))}, usable + (case when exists (
              select 1 from queue_lanes h
              where h.queue = ${queue} and h.lane = ready.lane and h.held = 1) then 0 else 1 end), seen + 1
          from ready
          where ready.lane is not null and usable < ${slot('limit')} and seen < ${lanesSeen})
        select ready.lane, ready.seen, coalesce(l.held, 0) as held,
          coalesce(l.ramp_from, 0) as ramp_from, coalesce(l.ramp_ms, 0) as ramp_ms, ${database.now()} as at
        from ready left join queue_lanes l on l.queue = ${queue} and l.lane = ready.lane
        where ready.lane is not null and (coalesce(l.held, 0) = 0 or ready.seen = ${lanesSeen})
        order by ready.seen`,
  )
}

/**
 * Lanes with something ready, all of them in turn however many there are.
 * @param lanesSeen lanes that one claim passes at most, held ones included; the next goes on behind the last of them
 */
export function createLaneTurns(database: AnyDatabase, queue: string, lanesSeen: number) {
  const look = createLook(database, queue, lanesSeen)
  /** The lane behind which the next look begins. */
  let after = ''

  return {
    /** Lanes with something ready, behind the last one that was looked at; then from the beginning. */
    async next(trx: AnyTransaction, limit: number): Promise<LaneRow[]> {
      const behind = (await look({ after, limit }, trx)).rows
      const last = behind.at(-1)
      // There may be others behind those that were passed: they come first in the next look.
      const isCut = last !== undefined && last.seen >= lanesSeen
      const usable = behind.filter(({ held }) => held === 0)
      if (isCut || after === '' || usable.length >= limit) {
        after = last?.lane ?? ''
        return usable
      }
      const { rows } = await look({ after: '', limit: limit - usable.length }, trx)
      after = rows.at(-1)?.lane ?? ''
      const known = new Set(usable.map(({ lane }) => lane))
      return [...usable, ...rows.filter(({ lane, held }) => held === 0 && !known.has(lane))]
    },

    goOnBehind(lane: string): void {
      after = lane
    },
  }
}
