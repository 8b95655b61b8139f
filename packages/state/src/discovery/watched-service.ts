import { isDeepStrictEqual } from 'node:util'
import type { DatabaseLog } from '@potok/core/database'
import { createHttpClient, type CircuitState, type HttpClient } from '@potok/core/http-client'
import type { FastifyBaseLogger } from 'fastify'
import type { ServiceEntry } from './known-services.ts'
import { locate, type Dns, type Location } from './resolver.ts'
import type { KnownService } from './schemas.ts'

/** A service, and what this process has to do with it. */
export interface WatchedEntry extends ServiceEntry {
  /** The breaker of our requests to it, where there are any. */
  circuit?: () => CircuitState
  /** Called whenever it says that it can do its job. */
  onUp?: () => void
}

export interface WatchedServiceOptions extends WatchedEntry {
  dns: Dns
  log: FastifyBaseLogger & DatabaseLog
  /** A probe that takes longer is a failed one, milliseconds. */
  deadlineMs: number
  now?: () => number
}

/** Where our services say whether they can do their job: the gateway has it under another prefix. */
const PROBE_PATHS = ['/health/readiness', '/api/v1/health/readiness'] as const
/** A probe is one request, and asks whatever the ones before it met: the next one comes soon enough. */
const PROBE = {
  maxRetries: 0,
  maxInFlight: 1,
  maxQueue: 1,
  breaker: { failureThreshold: Number.MAX_SAFE_INTEGER },
}

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

/** A service whose place and health are looked at again and again, and remembered in between. */
export class WatchedService {
  readonly #options: WatchedServiceOptions
  readonly #now: () => number
  #location: Location
  #resolvedAt: number | null = null
  #client: HttpClient | undefined
  #path: string = PROBE_PATHS[0]
  #status: KnownService['status'] = 'unknown'
  #since: number | null = null
  #checkedAt: number | null = null
  #latencyMs: number | null = null

  constructor(options: WatchedServiceOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    const { where } = options
    this.#location = { url: 'url' in where ? where.url : null, addresses: [] }
    this.#connect()
  }

  /** Resolves its name anew and asks it how it does. Never rejects. */
  async look(): Promise<void> {
    await this.#resolve()
    const startedAt = performance.now()
    const isUp = await this.#probe()
    this.#latencyMs = isUp ? Math.round((performance.now() - startedAt) * 100) / 100 : null
    this.#checkedAt = this.#now()
    this.#become(isUp ? 'up' : 'down')
    if (isUp) this.#options.onUp?.()
  }

  view(): KnownService {
    const { name, where, circuit } = this.#options
    return {
      name,
      ...this.#location,
      source: 'url' in where ? 'env' : 'dns',
      resolvedAt: iso(this.#resolvedAt),
      status: this.#status,
      since: iso(this.#since),
      checkedAt: iso(this.#checkedAt),
      latencyMs: this.#latencyMs,
      ...(circuit === undefined ? {} : { circuit: circuit() }),
    }
  }

  async close(): Promise<void> {
    await this.#client?.close()
  }

  #become(status: 'up' | 'down'): void {
    if (status === this.#status) return
    const { log, name: service } = this.#options
    if (status === 'down') log.warn({ service }, 'a service is down')
    else if (this.#status === 'down') log.info({ service }, 'a service is back')
    this.#status = status
    this.#since = this.#now()
  }

  async #resolve(): Promise<void> {
    const { dns, where, log, name: service } = this.#options
    try {
      const location = await locate(dns, where)
      const { url } = this.#location
      if (!isDeepStrictEqual(location, this.#location)) {
        log.info({ service, ...location }, 'a service was found')
      }
      this.#location = location
      this.#resolvedAt = this.#now()
      if (location.url !== url) this.#connect()
    } catch (error) {
      // The last answer of the DNS is the best guess; whether it is right the probe will tell.
      log.debug({ err: error, service }, 'a name could not be resolved')
    }
  }

  #connect(): void {
    const { name, log, deadlineMs } = this.#options
    const { url } = this.#location
    void this.#client?.close()
    this.#client =
      url === null ? undefined : createHttpClient({ name, origin: url, log, deadlineMs, ...PROBE })
  }

  async #probe(): Promise<boolean> {
    const others = PROBE_PATHS.filter((path) => path !== this.#path)
    for (const path of [this.#path, ...others]) {
      const status = await this.#ask(path)
      if (status === undefined) return false
      if (status === 404) continue
      this.#path = path
      return status < 500
    }
    // It answers, if only to say that it has no such page.
    return true
  }

  /** @returns the HTTP status; undefined: it did not answer */
  async #ask(path: string): Promise<number | undefined> {
    const { log, name: service } = this.#options
    try {
      return (await this.#client?.request({ method: 'GET', path }))?.status
    } catch (error) {
      log.debug({ err: error, service }, 'a service did not answer')
      return undefined
    }
  }
}
