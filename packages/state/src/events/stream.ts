import { Readable } from 'node:stream'
import type { StreamReset } from '@potok/contracts/event'
import type { LogPage, PageQuery } from './pages.ts'
import { cursorAt, locate, type LogView } from './stretches.ts'

/** Events read from the store at once for one reader. */
const PAGE = 100
/** What the browser's EventSource waits before it connects again. */
const RETRY_MS = 1000

export interface StreamSource {
  view: () => LogView
  page: (view: LogView, query: PageQuery) => Promise<LogPage>
  /** @returns how to stop */
  follow: (listener: () => void) => () => void
}

export interface StreamOptions {
  /** Position to go on after; `cursor` is its name. */
  cursor: string
  entity?: string
  heartbeatMs: number
  /** A reader that takes nothing for so long while there is something to take is cut off. */
  stallMs: number
}

/** How a stream came to its end, for the log. */
export class StreamStalled extends Error {}

const frame = (id: string, event: string, json: string): string =>
  `id: ${id}\nevent: ${event}\ndata: ${json}\n\n`

/**
 * The events of one reader as Server-Sent Events. It pulls: nothing is kept for a reader who does not take it but one
 * page; the rest stays in the store.
 */
export class EventStream extends Readable {
  readonly #source: StreamSource
  readonly #options: StreamOptions
  readonly #stopFollowing: () => void
  readonly #heartbeat: NodeJS.Timeout
  #stall: NodeJS.Timeout | undefined
  #cursor: string
  #told: string
  #pumping = false
  #again = false
  #room = true
  #finished = false

  constructor(source: StreamSource, options: StreamOptions) {
    super({ highWaterMark: 65_536, encoding: 'utf8' })
    this.#source = source
    this.#options = options
    this.#cursor = options.cursor
    this.#told = options.cursor
    this.#stopFollowing = source.follow(() => void this.#pump())
    this.#heartbeat = setInterval(() => this.#beat(), options.heartbeatMs).unref()
    // The id comes before the first event, so that a reader who is cut off before it resumes all the same.
    this.push(`retry: ${RETRY_MS}\nid: ${options.cursor}\n\n`)
  }

  override _read(): void {
    this.#room = true
    clearTimeout(this.#stall)
    this.#stall = undefined
    void this.#pump()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#finished = true
    this.#stopFollowing()
    clearInterval(this.#heartbeat)
    clearTimeout(this.#stall)
    done(error)
  }

  /** Ends the stream with a comment that says why. */
  finish(reason: string): void {
    if (this.#finished) return
    this.#finished = true
    this.push(`: ${reason}\n\n`)
    this.push(null)
  }

  async #pump(): Promise<void> {
    if (this.#pumping) {
      this.#again = true
      return
    }
    this.#pumping = true
    try {
      do {
        this.#again = false
        await this.#catchUp()
      } while (this.#again)
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#pumping = false
    }
  }

  async #catchUp(): Promise<void> {
    while (this.#room && !this.#finished) {
      const view = this.#source.view()
      const located = locate(view, this.#cursor)
      if ('reason' in located) {
        this.#reset(view, located.reason)
        continue
      }
      if (located.position >= view.head) return
      const page = await this.#source.page(view, this.#query(located.position))
      // The log may have been put back while the page was read.
      if ('reason' in locate(this.#source.view(), this.#cursor)) continue
      this.#send(view, page)
    }
  }

  #query(after: number): PageQuery {
    const { entity } = this.#options
    return { after, limit: PAGE, ...(entity === undefined ? {} : { entity }) }
  }

  #send(view: LogView, { lines, upTo }: LogPage): void {
    for (const { cursor, event, json } of lines) {
      if (this.#finished) return
      this.#told = cursor
      this.#offer(frame(cursor, event, json))
    }
    this.#cursor = cursorAt(view, upTo)
  }

  #reset(view: LogView, reason: StreamReset['reason']): void {
    const reset: StreamReset = { reason, cursor: cursorAt(view, view.head) }
    this.#cursor = reset.cursor
    this.#told = reset.cursor
    this.#offer(frame(reset.cursor, 'reset', JSON.stringify(reset)))
  }

  #beat(): void {
    if (!this.#room || this.#finished) return
    // Under a filter the place moves on without events: without its name a quiet reader would fall out of retention.
    const moved = this.#told !== this.#cursor
    this.#told = this.#cursor
    this.#offer(moved ? `id: ${this.#cursor}\n: heartbeat\n\n` : ': heartbeat\n\n')
  }

  #offer(text: string): void {
    this.#room = this.push(text)
    if (this.#room || this.#stall !== undefined) return
    this.#stall = setTimeout(() => {
      this.destroy(new StreamStalled('The reader took nothing for too long'))
    }, this.#options.stallMs).unref()
  }
}
