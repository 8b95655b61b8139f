import type { FastifyBaseLogger } from 'fastify'
import type { Notification } from '@potok/contracts/socket-events'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import type { Reader } from './audience.ts'
import { Courier } from './courier.ts'
import type { NotificationMetrics } from './metrics.ts'
import { noticeOf } from './notice.ts'
import { createNotificationRows, type NewNotification } from './rows.ts'

export interface NotificationsDeps {
  database: AnyDatabase
  log: FastifyBaseLogger
  metrics: NotificationMetrics
  /** Between two looks for what other replicas stored, milliseconds. */
  pollMs: number
  /** Unseen ones that a person is told on connecting, the newest. */
  unseenMost: number
}

export interface NotificationListener {
  /** One more, for those to whom `audience` (one of `audiencesOf`) applies. */
  deliver: (audience: string, notification: Notification) => void
  /** Something was stored here: other replicas may look at once instead of with their next poll. */
  stored: () => void
}

/** As long as a write of the database may take: so late a row may become visible. */
const OVERLAP_MS = 15_000

export type Notifications = ReturnType<typeof createNotifications>

export function createNotifications({ database, log, metrics, ...options }: NotificationsDeps) {
  const rows = createNotificationRows(database)
  const listeners = new Set<NotificationListener>()
  /** Ids handed over while somebody's unseen ones are being read. */
  const meanwhile = new Set<Set<string>>()
  const courier = new Courier({
    rows,
    pollMs: options.pollMs,
    overlapMs: OVERLAP_MS,
    log,
    deliver(row) {
      for (const ids of meanwhile) ids.add(row.id)
      for (const listener of listeners) listener.deliver(row.audience, noticeOf(row))
    },
  })

  function announce(count: number): void {
    metrics.stored(count)
    void courier.look()
    for (const listener of listeners) listener.stored()
  }

  return {
    /** Stores them with whatever else the transaction does. One whose key was put before is left as it is. */
    async put(
      trx: AnyTransaction,
      notifications: readonly NewNotification[],
    ): Promise<Notification[]> {
      const fresh = await rows.put(trx, notifications)
      if (fresh.length > 0) database.afterCommit(trx, () => announce(fresh.length))
      return fresh.map(noticeOf)
    },
    /** Marks one as seen. @returns false when the person has no such one */
    async seen(reader: Reader, id: string): Promise<boolean> {
      const known = await rows.seen(reader, id)
      if (known) metrics.seen()
      return known
    },
    /**
     * What a person has not seen, oldest first: exactly what was handed over before the call. Whoever listens from the
     * moment of the call on misses nothing and gets nothing twice.
     */
    async unseen(reader: Reader): Promise<Notification[]> {
      const ids = new Set<string>()
      meanwhile.add(ids)
      try {
        const found = await rows.unseen(reader, options.unseenMost)
        // What the courier has not handed over yet comes from the courier.
        return found.filter((row) => courier.hasTold(row) && !ids.has(row.id)).map(noticeOf)
      } finally {
        meanwhile.delete(ids)
      }
    },
    listen: (listener: NotificationListener): void => void listeners.add(listener),
    /** Looks now: another replica has stored something. */
    look: (): void => void courier.look(),
    /** Removes what is older. @returns how many */
    purge: (olderThanMs: number): Promise<number> => rows.purge(olderThanMs),
    start: (): Promise<void> => courier.start(),
    close: (): Promise<void> => courier.close(),
  }
}
