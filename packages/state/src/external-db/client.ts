import { createHttpClient, type HttpClientObserver } from '@potok/core/http-client'
import type { FastifyBaseLogger } from 'fastify'

export interface ClientOptions {
  /** EXTERNAL_DB_URL */
  url: string
  /** EXTERNAL_DB_API_KEY */
  apiKey: string
  /** DB_CONNECTION_TIMEOUT, milliseconds: for an exchange with all its tries. */
  timeoutMs: number
  /** DB_RETRY_ATTEMPTS: tries of one exchange. */
  attempts: number
}

/** How errors, logs and metrics call it. */
export const CLIENT_NAME = 'external-db'
const CONNECT_LIMIT_MS = 5000
/** Exchanges at once, and those that may wait: readers of unknown entities are as many as there are callers. */
const MAX_IN_FLIGHT = 64
const MAX_QUEUE = 256
/** After this a connection is replaced and the name of the service resolved anew. */
const CONNECTION_TTL_MS = 60_000
/** Short: the queue has pauses of its own, and a reader wants to know soon that it is back. */
const CIRCUIT_RESET_MS = 1000

export type Client = ReturnType<typeof createClient>

export function createClient(
  { url, apiKey, timeoutMs, attempts }: ClientOptions,
  log: FastifyBaseLogger,
  observe: HttpClientObserver,
) {
  return createHttpClient({
    name: CLIENT_NAME,
    origin: url,
    apiKey,
    deadlineMs: timeoutMs,
    connectTimeoutMs: Math.min(timeoutMs, CONNECT_LIMIT_MS),
    connectionTtlMs: CONNECTION_TTL_MS,
    maxRetries: attempts - 1,
    maxInFlight: MAX_IN_FLIGHT,
    maxQueue: MAX_QUEUE,
    breaker: { failureThreshold: 5, successThreshold: 1, resetMs: CIRCUIT_RESET_MS },
    log,
    observe,
  })
}
