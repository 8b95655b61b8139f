import { randomUUID } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import type { FastifyBaseLogger } from 'fastify'
import { State } from '@potok/contracts/state'
import type { HttpClient } from '@potok/core/http-client'
import { createParser } from '@potok/core/validation'

export interface PresenceDeps {
  state: Pick<HttpClient, 'request'>
  log: FastifyBaseLogger
  /** Between two signs of life of one person, milliseconds. */
  beatMs: number
  /** After one that failed. */
  retryMs: number
  /** Signs of life under way at once. */
  atOnce: number
  /** What became of one. */
  beaten: (outcome: 'renewed' | 'online' | 'kept' | 'failed') => void
  /** Monotonic milliseconds. */
  now?: () => number
}

interface Present {
  /** When the next sign of life is due. */
  at: number
  /** They have just come: whatever they said when they left, they are here. */
  arriving: boolean
}

const TICK_MS = 500
/** Who lets a status expire. */
const EXPIRY = 'system:ttl'

const parseState = createParser(
  Type.Pick(State, ['status', 'version', 'updatedBy'] as const, { additionalProperties: true }),
)

type Outcome = 'renewed' | 'online' | 'kept'

/** What the presence of a person needs of the state service. */
function createBeat(state: Pick<HttpClient, 'request'>, signal: AbortSignal) {
  /** Speaks for the person. */
  const ask = (
    userId: string,
    wanted: { method: 'GET' | 'POST' | 'PUT'; path: string; json?: object },
    headers: Record<string, string> = {},
  ) =>
    state.request({
      ...wanted,
      signal,
      headers: {
        'x-actor': `user:${userId}`,
        'x-correlation-id': `presence-${randomUUID()}`,
        ...headers,
      },
    })

  async function create(userId: string): Promise<Outcome> {
    const json = { entityId: userId, status: 'online' }
    const path = '/api/v1/states/user'
    const { status } = await ask(userId, { method: 'POST', path, json }, { 'if-none-match': '*' })
    if (status === 412) return 'kept'
    if (status !== 201) throw new Error(`the state service answered ${status}`)
    return 'online'
  }

  /** From offline to online, unless the person has said something else meanwhile. */
  async function comeOnline(userId: string, arriving: boolean): Promise<Outcome> {
    const path = `/api/v1/states/user/${userId}`
    const found = await ask(userId, { method: 'GET', path }, { 'cache-control': 'no-cache' })
    if (found.status !== 200) throw new Error(`the state service answered ${found.status}`)
    const { status, version, updatedBy } = parseState(found.body.json())
    // Offline by their own word while they are here: that is their choice until they come anew.
    if (status !== 'offline' || (!arriving && updatedBy !== EXPIRY)) return 'kept'
    const json = { status: 'online' }
    const changed = await ask(userId, { method: 'PUT', path, json }, { 'if-match': `"${version}"` })
    if (changed.status === 412) return 'kept'
    if (changed.status !== 200) throw new Error(`the state service answered ${changed.status}`)
    return 'online'
  }

  /** A sign of life keeps online and busy alike; only who is neither is made online. */
  return async (userId: string, arriving: boolean): Promise<Outcome> => {
    const path = `/api/v1/states/user/${userId}/heartbeat`
    const { status } = await ask(userId, { method: 'POST', path })
    if (status === 200) return 'renewed'
    if (status === 404) return create(userId)
    if (status === 409) return comeOnline(userId, arriving)
    throw new Error(`the state service answered ${status}`)
  }
}

/**
 * Presence as state: whoever has a socket here is `online` in the state service by a sign of life every so often, one a
 * person and replica. Nobody says `offline`: that comes by itself when the last sign of life is too long ago.
 */
export class Presence {
  readonly #deps: PresenceDeps
  readonly #now: () => number
  readonly #beat: ReturnType<typeof createBeat>
  readonly #people = new Map<string, Present>()
  readonly #closing = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running = 0
  #failing = false

  constructor(deps: PresenceDeps) {
    this.#deps = deps
    this.#now = deps.now ?? (() => performance.now())
    this.#beat = createBeat(deps.state, this.#closing.signal)
  }

  start(): void {
    this.#timer = setInterval(() => this.#work(), TICK_MS).unref()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#people.clear()
    this.#closing.abort()
  }

  /** A person's first socket here. */
  arrive(userId: string): void {
    this.#people.set(userId, { at: this.#now(), arriving: true })
    this.#work()
  }

  /** Their last socket here has gone. */
  leave(userId: string): void {
    this.#people.delete(userId)
  }

  #work(): void {
    const now = this.#now()
    for (const [userId, present] of this.#people) {
      if (this.#running >= this.#deps.atOnce) return
      if (present.at > now) continue
      // Not again before this one is over.
      present.at = Number.POSITIVE_INFINITY
      this.#running += 1
      void this.#beatFor(userId, present).finally(() => {
        this.#running -= 1
        this.#work()
      })
    }
  }

  async #beatFor(userId: string, present: Present): Promise<void> {
    const { beaten, beatMs, retryMs, log } = this.#deps
    try {
      const outcome = await this.#beat(userId, present.arriving)
      present.arriving = false
      present.at = this.#now() + beatMs
      this.#failing = false
      beaten(outcome)
      log.debug({ userId, outcome }, 'presence renewed')
    } catch (error) {
      if (this.#closing.signal.aborted) return
      present.at = this.#now() + retryMs
      beaten('failed')
      // Once an outage, not once a person.
      if (!this.#failing) log.warn({ err: error, userId }, 'presence could not be told')
      this.#failing = true
    }
  }
}
