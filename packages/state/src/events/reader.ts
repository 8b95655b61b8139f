import type { DatabaseLog } from '@potok/core/database'
import { CursorReset, StreamFull } from './errors.ts'
import type { createPages, PageQuery } from './pages.ts'
import { EventStream } from './stream.ts'
import { cursorAt, locate } from './stretches.ts'
import type { Tail } from './tail.ts'

export interface ReaderDeps {
  tail: Tail
  pages: ReturnType<typeof createPages>
  log: DatabaseLog
  maxStreams: number
  heartbeatMs: number
  stallMs: number
}

interface Given {
  after?: string | undefined
  entity?: string | undefined
}

/** How long a reader should wait when all places are taken. */
const FULL_RETRY_SECONDS = 5

const entityOf = ({ entity }: Given): Pick<PageQuery, 'entity'> =>
  entity === undefined ? {} : { entity }

/** @returns JSON text of a page of the log, from the oldest event kept when there is no cursor */
async function page(deps: ReaderDeps, query: Given & { limit: number }): Promise<string> {
  const { tail, pages } = deps
  // A cursor may come from another replica that has seen more.
  const view = await tail.look()
  const located = query.after === undefined ? { position: view.purged } : locate(view, query.after)
  if ('reason' in located) {
    throw Object.assign(new CursorReset(located.reason), {
      reason: located.reason,
      extension: { cursor: cursorAt(view, view.head) },
    })
  }
  const asked = { after: located.position, limit: query.limit, ...entityOf(query) }
  const { lines, upTo } = await pages.read(view, asked)
  const items = lines.map(({ json }) => json).join(',')
  return `{"items":[${items}],"nextCursor":"${cursorAt(view, upTo)}"}`
}

/** The reading side of the event log: pages and streams. */
export function createReader(deps: ReaderDeps) {
  const { tail, pages, log, maxStreams, heartbeatMs, stallMs } = deps
  const streams = new Set<EventStream>()
  let closing = false

  function refuseWhenFull(): void {
    if (!closing && streams.size < maxStreams) return
    throw Object.assign(new StreamFull(maxStreams), { retryAfterSeconds: FULL_RETRY_SECONDS })
  }

  return {
    page: (query: Given & { limit: number }) => page(deps, query),

    /** Opens a stream after a cursor, or at the head. */
    async open(given: Given): Promise<EventStream> {
      refuseWhenFull()
      const view = await tail.look()
      refuseWhenFull()
      const stream = new EventStream(
        {
          view: () => tail.view,
          page: (seen, query) => pages.shared(seen, query),
          follow: (listener) => tail.follow(listener),
        },
        {
          cursor: given.after ?? cursorAt(view, view.head),
          ...entityOf(given),
          heartbeatMs,
          stallMs,
        },
      )
      streams.add(stream)
      stream.once('close', () => streams.delete(stream))
      stream.once('error', (error) => log.warn({ err: error }, 'an event stream was cut off'))
      return stream
    },

    /** Readers that follow now. */
    count: () => streams.size,

    /** Ends every stream with a reason and opens no more. */
    close(reason: string): void {
      closing = true
      for (const stream of streams) stream.finish(reason)
    },
  }
}

export type EventReader = ReturnType<typeof createReader>
