import type { FastifyBaseLogger } from 'fastify'
import { Redis } from 'ioredis'
import { DeadlineExceeded, withDeadline } from './deadline.ts'
import { RedisUnavailable } from './errors.ts'
import { createOutage, type Outage } from './outage.ts'

export interface RedisLinkOptions {
  /** Names the connection in logs, such as `local`. */
  name: string
  host: string
  port?: number | undefined
  password?: string | undefined
  db?: number | undefined
  /** Before every key. */
  keyPrefix?: string | undefined
  /** Deadline of a command, unless the caller names another. */
  commandTimeoutMs?: number | undefined
  connectTimeoutMs?: number | undefined
  /** How long Redis is left alone after it missed a deadline; then one command tries again. */
  restMs?: number | undefined
  log: FastifyBaseLogger
  /** For `redis_operations_duration_seconds{operation}`. Not called for commands that were not sent. */
  observe?: ((operation: string, seconds: number, outcome: RedisOutcome) => void) | undefined
  now?: () => number
}

export type RedisOutcome = 'ok' | 'error' | 'timeout'

export type RedisStatus =
  | { status: 'up'; latencyMs: number; memoryBytes: number | null }
  | { status: 'down' }

type Command<T> = (client: Redis) => Promise<T>

interface Limits {
  deadlineMs?: number
}

const STATUS_DEADLINE_MS = 1000
/** A silent socket with commands under way is dead for us; also ends a handshake with a frozen server. */
const SOCKET_TIMEOUT_MS = 2000
const MAX_RECONNECT_DELAY_MS = 2000
/** Errors that Redis answers with come from a defect or a misconfiguration; one a minute is enough to find it. */
const REPLY_ERROR_LOG_MS = 60_000

/** A connection for what is comfortable to have and may be missing: no command waits for it to come back. */
export class RedisLink {
  /** The connection itself, without deadline: for subscriptions and for what `run` cannot express. */
  readonly client: Redis
  readonly #options: RedisLinkOptions
  readonly #log: FastifyBaseLogger
  readonly #now: () => number
  readonly #outage: Outage
  readonly #restMs: number
  #restsUntil = 0
  #isTrying = false
  #isClosing = false
  #replyErrorLoggedAt = -Infinity

  constructor(options: RedisLinkOptions) {
    this.#options = options
    this.#log = options.log.child({ context: 'Redis', redis: options.name })
    this.#now = options.now ?? Date.now
    this.#restMs = options.restMs ?? 1000
    this.#outage = createOutage(this.#log, this.#now)
    this.client = createClient(options)
    this.client.on('error', (error) => this.#outage.begin(error))
    this.client.on('close', () => {
      if (!this.#isClosing) this.#outage.begin(new Error('connection closed'))
    })
    this.client.on('ready', () => this.#recover())
  }

  /** The command's value; rejects with `RedisUnavailable`, or with the error that Redis answered. */
  async run<T>(operation: string, command: Command<T>, limits: Limits = {}): Promise<T> {
    const admission = this.#admit()
    if (admission === 'no') throw new RedisUnavailable()
    if (admission === 'trial') this.#isTrying = true
    try {
      const deadlineMs = limits.deadlineMs ?? this.#options.commandTimeoutMs ?? 25
      return await this.#send(operation, command, deadlineMs)
    } catch (error) {
      throw isReplyError(error) ? error : new RedisUnavailable({ cause: error })
    } finally {
      if (admission === 'trial') this.#isTrying = false
    }
  }

  /** The command's value, or the fallback's whatever went wrong with Redis. */
  async attempt<T>(
    operation: string,
    command: Command<T>,
    fallback: () => T | Promise<T>,
    limits?: Limits,
  ): Promise<T> {
    try {
      return await this.run(operation, command, limits)
    } catch (error) {
      if (isReplyError(error)) this.#logReplyError(operation, error)
      return fallback()
    }
  }

  /** For the health: asks Redis, within a second, whatever earlier commands met. */
  async status(): Promise<RedisStatus> {
    if (this.client.status !== 'ready') return { status: 'down' }
    const startedAt = performance.now()
    try {
      const info = await withDeadline(this.client.info('memory'), STATUS_DEADLINE_MS)
      const latencyMs = Math.round((performance.now() - startedAt) * 100) / 100
      const memory = /^used_memory:(\d+)/m.exec(info)?.[1]
      return { status: 'up', latencyMs, memoryBytes: memory === undefined ? null : Number(memory) }
    } catch (error) {
      this.#log.debug({ err: error }, 'redis did not tell its status')
      return { status: 'down' }
    }
  }

  close(): void {
    this.#isClosing = true
    this.client.disconnect()
  }

  /** Whether a command may be sent; `trial` when it is the one that finds out whether Redis is back. */
  #admit(): 'yes' | 'trial' | 'no' {
    if (this.client.status !== 'ready' || this.#isTrying) return 'no'
    if (this.#restsUntil === 0) return 'yes'
    const restMs = this.#restsUntil - this.#now()
    // A clock that was set back must not make the rest longer.
    return restMs <= 0 || restMs > this.#restMs ? 'trial' : 'no'
  }

  async #send<T>(operation: string, command: Command<T>, deadlineMs: number): Promise<T> {
    const startedAt = performance.now()
    const seen = (outcome: RedisOutcome) =>
      this.#options.observe?.(operation, (performance.now() - startedAt) / 1000, outcome)
    try {
      const value = await withDeadline(command(this.client), deadlineMs)
      seen('ok')
      if (this.#restsUntil !== 0) this.#recover()
      return value
    } catch (error) {
      const isLate = error instanceof DeadlineExceeded
      seen(isLate ? 'timeout' : 'error')
      if (isLate) {
        this.#restsUntil = this.#now() + this.#restMs
        this.#outage.begin(error)
      }
      throw error
    }
  }

  #recover(): void {
    this.#restsUntil = 0
    this.#outage.end()
  }

  #logReplyError(operation: string, error: unknown): void {
    if (this.#now() - this.#replyErrorLoggedAt < REPLY_ERROR_LOG_MS) return
    this.#replyErrorLoggedAt = this.#now()
    this.#log.error({ err: error, operation }, 'redis refused a command')
  }
}

function createClient(options: RedisLinkOptions): Redis {
  const { host, port = 6379, password, db = 0, keyPrefix = '', connectTimeoutMs = 1000 } = options
  return new Redis({
    host,
    port,
    db,
    keyPrefix,
    ...(password !== undefined && { password }),
    connectTimeout: connectTimeoutMs,
    socketTimeout: SOCKET_TIMEOUT_MS,
    lazyConnect: true,
    // A command that cannot be sent now, or whose answer was lost, fails: nothing is sent late.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (times) => {
      const delayMs = Math.min(50 * 2 ** Math.min(times, 10), MAX_RECONNECT_DELAY_MS)
      return Math.ceil((delayMs * (1 + Math.random())) / 2)
    },
  })
}

function isReplyError(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError'
}
