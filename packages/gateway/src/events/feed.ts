import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { request, type Dispatcher } from 'undici'
import { StreamReset, type EventLogItem } from '@potok/contracts/event'
import { createParser } from '@potok/core/validation'
import { createFrames, type Frame } from './frames.ts'
import type { ItemReader } from './items.ts'

export interface FeedOptions {
  /** Origin of the state service. */
  origin: string
  apiKey: string
  dispatcher: Dispatcher
  reader: ItemReader
  log: FastifyBaseLogger
  /** Wait before a new connection, doubled up to `reconnectMostMs`. */
  reconnectMs: number
  reconnectMostMs: number
}

export interface FeedListener {
  /** The first contact: what is told begins after `cursor`. */
  contact?: (cursor: string) => void
  /**
   * One event, in log order, none left out, none twice.
   * @param before where the follower stood; undefined when nobody knows
   */
  event: (item: EventLogItem, before: string | undefined) => void
  /** The log cannot be continued from where we were: whoever followed it must load anew. It goes on after `cursor`. */
  reset: (cursor: string) => void
}

const parseReset = createParser(StreamReset)

/** Follows the state service's event stream for ever, from the head on, and resumes where it was cut. */
export class Feed {
  readonly #options: FeedOptions
  readonly #listeners = new Set<FeedListener>()
  readonly #awaiting = new Set<() => void>()
  readonly #closing = new AbortController()
  #cursor: string | undefined
  #connected = false
  #running: Promise<void> | undefined

  constructor(options: FeedOptions) {
    this.#options = options
  }

  listen(listener: FeedListener): void {
    this.#listeners.add(listener)
  }

  /** Position of the newest event that was told; undefined before the first contact. */
  cursor(): string | undefined {
    return this.#cursor
  }

  /** The same, after a while if need be: just after a start there was no contact yet. */
  async contact(withinMs: number): Promise<string | undefined> {
    if (this.#cursor !== undefined) return this.#cursor
    const enough = new AbortController()
    const stop = (): void => enough.abort()
    this.#awaiting.add(stop)
    const signal = AbortSignal.any([enough.signal, this.#closing.signal])
    await pause(withinMs, undefined, { signal, ref: false }).catch(() => undefined)
    this.#awaiting.delete(stop)
    return this.#cursor
  }

  connected(): boolean {
    return this.#connected
  }

  start(): void {
    this.#running ??= this.#keepFollowing()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  #moveTo(cursor: string): void {
    const isFirst = this.#cursor === undefined
    this.#cursor = cursor
    if (!isFirst) return
    this.#tell((listener) => listener.contact?.(cursor))
    for (const stop of this.#awaiting) stop()
  }

  /** What one listener does wrong is not the others' loss. */
  #tell(work: (listener: FeedListener) => void): void {
    for (const listener of this.#listeners) {
      try {
        work(listener)
      } catch (error) {
        this.#options.log.error({ err: error }, 'an event could not be worked')
      }
    }
  }

  #take({ id, event, data }: Frame): void {
    if (data === undefined) {
      // The stream says where it stands before its first event and under heartbeats.
      if (id !== undefined) this.#moveTo(id)
    } else if (event === 'reset') {
      const { reason, cursor } = parseReset(JSON.parse(data))
      const { log } = this.#options
      log.warn({ reason, cursor }, 'event stream cannot be continued, followers reload')
      this.#moveTo(cursor)
      this.#tell((listener) => listener.reset(cursor))
    } else {
      const before = this.#cursor
      const item = this.#options.reader.item(JSON.parse(data))
      const cursor = item?.cursor ?? id
      if (cursor !== undefined) this.#moveTo(cursor)
      if (item !== undefined) this.#tell((listener) => listener.event(item, before))
    }
  }

  /** Reads one connection to its end. */
  async #follow(): Promise<void> {
    const { origin, apiKey, dispatcher, log } = this.#options
    const { statusCode, body } = await request(`${origin}/api/v1/events/stream`, {
      dispatcher,
      signal: this.#closing.signal,
      headers: {
        accept: 'text/event-stream',
        'x-api-key': apiKey,
        ...(this.#cursor === undefined ? {} : { 'last-event-id': this.#cursor }),
      },
    })
    if (statusCode !== 200) {
      await body.dump()
      throw new Error(`the state service answered ${statusCode}`)
    }
    const decoder = new TextDecoder()
    const frames = createFrames((frame) => this.#take(frame))
    this.#connected = true
    log.info({ cursor: this.#cursor }, 'following the event stream')
    for await (const chunk of body) {
      frames.feed(decoder.decode(chunk instanceof Uint8Array ? chunk : undefined, { stream: true }))
    }
  }

  async #keepFollowing(): Promise<void> {
    const { reconnectMs, reconnectMostMs, log } = this.#options
    const { signal } = this.#closing
    let delay = reconnectMs
    while (!signal.aborted) {
      try {
        await this.#follow()
      } catch (error) {
        // Once an outage: the first failure is told, its repetitions are not.
        if (!signal.aborted && delay === reconnectMs)
          log.warn({ err: error }, 'event stream interrupted')
      }
      delay = this.#connected ? reconnectMs : Math.min(delay * 2, reconnectMostMs)
      this.#connected = false
      await pause(delay, undefined, { signal }).catch(() => undefined)
    }
  }
}
