/** What the bot asked the platform, newest last. */
import { Ring } from './bounds.ts'

export interface LoggedRequest {
  /** Unix milliseconds at which it came in. */
  readonly at: number
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: Readonly<Record<string, unknown>>
  readonly body: unknown
  /** Absent when the connection ended without an answer. */
  readonly status?: number | undefined
  readonly durationMs: number
}

/** A longer body is kept as its size. */
const MAX_LOGGED_BODY = 64 * 1024

export class RequestLog {
  readonly #ring: Ring<LoggedRequest>
  readonly #watchers = new Set<(request: LoggedRequest) => void>()

  constructor({ size }: { size: number }) {
    this.#ring = new Ring(size)
  }

  add(request: LoggedRequest): void {
    const logged = { ...request, body: loggable(request.body) }
    this.#ring.push(logged)
    for (const watcher of this.#watchers) watcher(logged)
  }

  list(filter: { path?: string | undefined; method?: string | undefined } = {}): LoggedRequest[] {
    return this.#ring
      .list()
      .filter(
        ({ path, method }) =>
          (filter.path === undefined || path === filter.path) &&
          (filter.method === undefined || method === filter.method),
      )
  }

  /** Calls back for every request that ended. @returns how to stop that */
  watch(watcher: (request: LoggedRequest) => void): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  clear(): void {
    this.#ring.clear()
  }
}

/** The webhook's secret stays out of what can be listed. */
function loggable(body: unknown): unknown {
  if (Buffer.isBuffer(body)) return { bytes: body.length }
  if (typeof body !== 'object' || body === null) return body
  if (JSON.stringify(body).length > MAX_LOGGED_BODY) return { tooLongToKeep: true }
  return 'secret' in body ? { ...body, secret: '***' } : body
}
