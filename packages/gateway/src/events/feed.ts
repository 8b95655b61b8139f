import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { Agent, request } from 'undici'
import { EventLogItem, StreamReset } from '@potok/contracts/event'
import { createParser } from '@potok/core/validation'
import { createFrames, type Frame } from './frames.ts'

export interface FeedOptions {
  /** Origin of the state service. */
  origin: string
  apiKey: string
  log: FastifyBaseLogger
  /** Wait before a new connection, doubled up to `reconnectMostMs`. Default 100. */
  reconnectMs?: number
  /** Default 5 000. */
  reconnectMostMs?: number
  /** Silence after which the stream counts as dead; the server's heartbeats come every 15 s. Default 40 000. */
  silenceMs?: number
}

export interface FeedListener {
  /** One event, in log order, none left out, none twice. */
  event: (item: EventLogItem) => void
  /** The log cannot be continued from where we were: whoever followed it must load anew. */
  reset: () => void
}

const parseItem = createParser(EventLogItem)
const parseReset = createParser(StreamReset)
const HEADERS_TIMEOUT_MS = 10_000

/** Follows the state service's event stream for ever, from the head on, and resumes where it was cut. */
export class Feed {
  readonly #options: Required<FeedOptions>
  readonly #agent: Agent
  readonly #listeners = new Set<FeedListener>()
  readonly #closing = new AbortController()
  #cursor: string | undefined
  #connected = false
  #running: Promise<void> | undefined

  constructor(options: FeedOptions) {
    this.#options = { reconnectMs: 100, reconnectMostMs: 5000, silenceMs: 40_000, ...options }
    this.#agent = new Agent({
      headersTimeout: HEADERS_TIMEOUT_MS,
      bodyTimeout: this.#options.silenceMs,
    })
  }

  listen(listener: FeedListener): void {
    this.#listeners.add(listener)
  }

  /** Position of the newest event that was told; undefined before the first contact. */
  cursor(): string | undefined {
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
    await this.#agent.destroy()
  }

  #take({ id, event, data }: Frame): void {
    if (data === undefined) {
      // The stream says where it stands before its first event and under heartbeats.
      this.#cursor = id ?? this.#cursor
    } else if (event === 'reset') {
      const { reason, cursor } = parseReset(JSON.parse(data))
      this.#options.log.warn(
        { reason, cursor },
        'event stream cannot be continued, followers reload',
      )
      this.#cursor = cursor
      for (const listener of this.#listeners) listener.reset()
    } else {
      const item = parseItem(JSON.parse(data))
      this.#cursor = item.cursor
      for (const listener of this.#listeners) listener.event(item)
    }
  }

  /** Reads one connection to its end. */
  async #follow(): Promise<void> {
    const { origin, apiKey, log } = this.#options
    const { statusCode, body } = await request(`${origin}/api/v1/events/stream`, {
      dispatcher: this.#agent,
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
