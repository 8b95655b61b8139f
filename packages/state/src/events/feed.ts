import type { createPages, LogPage } from './pages.ts'
import type { Tail } from './tail.ts'

/** Events that one step of a follower reads, the same number as streams read: they share the query. */
const PAGE = 100

/** The log for plugins of this process that follow it. */
export interface EventFeed {
  /** Where the log stood when it was last looked at, and when that look began (`performance.now()`). */
  view: () => { head: number; purged: number; epoch: string; lookedAt: number }
  /** Events after a position, in log order. */
  read: (after: number) => Promise<LogPage>
  /** Calls `listener` whenever the head moves or the epoch changes. @returns how to stop */
  follow: (listener: () => void) => () => void
}

export function createFeed(tail: Tail, pages: ReturnType<typeof createPages>): EventFeed {
  return {
    view: () => {
      const { head, purged, epoch } = tail.view
      return { head, purged, epoch, lookedAt: tail.lookedAt }
    },
    read: (after) => pages.shared(tail.view, { after, limit: PAGE }),
    follow: (listener) => tail.follow(listener),
  }
}
