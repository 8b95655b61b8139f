import { setTimeout as pause } from 'node:timers/promises'
import type { EventLogItem } from '@potok/contracts/event'
import { positionOf } from './cursor.ts'
import type { LogPage } from './log-pages.ts'
import type { Recent } from './recent.ts'
import { Turns } from './turns.ts'

export interface MissedOptions {
  /** Reads the log after a cursor; undefined when it cannot be continued. */
  page: (after: string) => Promise<LogPage | undefined>
  recent: Recent
  /** Where this replica's follower of the log stands. */
  head: () => string | undefined
  /** Events that may have been missed and are still given. */
  most: number
  /** Readings of the log under way at once; the others wait. */
  atOnce: number
  /** How long a reading is tried while the state service does not answer, milliseconds. */
  patienceMs: number
  /** Aborts what is under way. */
  signal: AbortSignal
}

const RETRY_MS = 200

/** What followed a cursor, up to where the follower of the log stands or further. */
export function createMissed(options: MissedOptions) {
  const { page, recent, head, most, patienceMs, signal } = options
  const turns = new Turns(options.atOnce)
  /** From this position on back too much was missed. */
  let hopeless = -1n
  /** Counts the logs: what was found out about one says nothing about the next. */
  let generation = 0

  /** The follower tells what comes after: no need to read on. */
  function reached(cursor: string): boolean {
    const at = head()
    return at !== undefined && positionOf(cursor) >= positionOf(at)
  }

  async function read(since: string): Promise<EventLogItem[] | undefined> {
    const items: EventLogItem[] = []
    const began = generation
    for (let after = since; ;) {
      const next = await page(after)
      if (next === undefined) return undefined
      items.push(...next.items)
      if (items.length > most) break
      if (next.last === undefined || reached(next.last)) {
        recent.extend(since, items)
        return items
      }
      after = next.last
    }
    const position = positionOf(since)
    if (began === generation && position > hopeless) hopeless = position
    return undefined
  }

  async function patiently(since: string, deadline: number): Promise<EventLogItem[] | undefined> {
    for (;;) {
      const known = recent.after(since)
      if (known !== undefined || positionOf(since) <= hopeless) return known
      try {
        return await read(since)
      } catch (error) {
        if (signal.aborted || performance.now() + RETRY_MS > deadline) throw error
      }
      await pause(RETRY_MS, undefined, { signal })
    }
  }

  return {
    /**
     * The events after a cursor, in log order.
     * @returns undefined when the cursor cannot be continued, or too much was missed
     * @throws when the state service does not answer
     */
    async after(since: string): Promise<EventLogItem[] | undefined> {
      const deadline = performance.now() + patienceMs
      if (since === head()) return []
      return recent.after(since) ?? turns.run(() => patiently(since, deadline))
    },
    /** Another log: what was hopeless in the old one may be good in this one. */
    forget(): void {
      hopeless = -1n
      generation += 1
    },
  }
}
