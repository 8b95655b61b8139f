import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { Client, type Pool } from 'pg'
import type { DatabaseLog } from './database.ts'
import type { Signals } from './signals.ts'

/** NOTIFY takes a lock that all commits share: a few a second, and never inside a write. */
const DEBOUNCE_MS = 100
/** Between attempts to listen again; doubled each time up to the limit. */
const RECONNECT_MS = 250
const RECONNECT_LIMIT_MS = 30_000

export interface PostgresSignalsOptions {
  url: string
  schema: string
  pool: Pick<Pool, 'query'>
  log: DatabaseLog
}

/** Signals by LISTEN and NOTIFY, over a connection of its own that is opened when somebody listens. */
export class PostgresSignals implements Signals {
  readonly #options: PostgresSignalsOptions
  readonly #channel: string
  /** Own signals come back too; their sender has no need of them. */
  readonly #self = randomUUID()
  readonly #listeners = new Map<string, Set<() => void>>()
  readonly #raised = new Set<string>()
  #client: Client | undefined
  #sentAt = -Infinity
  #sendTimer: NodeJS.Timeout | undefined
  #reconnectTimer: NodeJS.Timeout | undefined
  #failures = 0
  #closed = false

  constructor(options: PostgresSignalsOptions) {
    this.#options = options
    this.#channel = `potok_${options.schema}`
  }

  raise(name: string): void {
    if (this.#closed) return
    this.#raised.add(name)
    const wait = Math.max(0, this.#sentAt + DEBOUNCE_MS - performance.now())
    this.#sendTimer ??= setTimeout(() => void this.#send(), wait).unref()
  }

  on(name: string, listener: () => void): () => void {
    const known = this.#listeners.get(name) ?? new Set()
    known.add(listener)
    this.#listeners.set(name, known)
    if (this.#client === undefined && this.#reconnectTimer === undefined) void this.#listen()
    return () => void known.delete(listener)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#sendTimer)
    clearTimeout(this.#reconnectTimer)
    await this.#client?.end().catch(() => undefined)
  }

  async #send(): Promise<void> {
    this.#sendTimer = undefined
    this.#sentAt = performance.now()
    const payload = [this.#self, ...this.#raised].join(' ')
    this.#raised.clear()
    try {
      await this.#options.pool.query('select pg_notify($1, $2)', [this.#channel, payload])
    } catch (error) {
      this.#options.log.debug({ context: 'Database', err: error }, 'a signal was not sent')
    }
  }

  async #listen(): Promise<void> {
    const { url, schema } = this.#options
    const client = new Client({
      connectionString: url,
      application_name: `potok-${schema}-signals`,
      keepAlive: true,
    })
    this.#client = client
    client.on('notification', ({ payload = '' }) => this.#heard(payload))
    client.on('error', (error) => this.#lost(client, error))
    client.on('end', () => this.#lost(client, new Error('the connection ended')))
    try {
      await client.connect()
      await client.query(`listen ${client.escapeIdentifier(this.#channel)}`)
      this.#failures = 0
      // Whatever was raised while nobody listened.
      for (const name of this.#listeners.keys()) this.#tell(name)
    } catch (error) {
      this.#lost(client, error)
    }
  }

  #lost(client: Client, error: unknown): void {
    if (this.#closed || this.#client !== client) return
    this.#client = undefined
    client.end().catch(() => undefined)
    const wait = Math.min(RECONNECT_MS * 2 ** this.#failures, RECONNECT_LIMIT_MS)
    this.#failures = Math.min(this.#failures + 1, 16)
    const fields = { context: 'Database', err: error, retryMs: wait }
    this.#options.log.warn(fields, 'signals of other processes are not heard, polling goes on')
    this.#reconnectTimer = setTimeout(() => {
      this.#reconnectTimer = undefined
      void this.#listen()
    }, wait).unref()
  }

  #heard(payload: string): void {
    const [sender, ...names] = payload.split(' ')
    if (sender === this.#self) return
    for (const name of names) this.#tell(name)
  }

  #tell(name: string): void {
    for (const listener of this.#listeners.get(name) ?? []) listener()
  }
}
