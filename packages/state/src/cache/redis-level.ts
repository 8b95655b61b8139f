import { randomBytes } from 'node:crypto'
import type { DatabaseLog } from '@potok/core/database'
import type { RedisLink } from '@potok/core/redis'
import type { Entry } from './entry.ts'
import { redisPatternOf } from './key-pattern.ts'
import { GENERATION_KEY } from './keys.ts'
import { GET_LIST, SET_IF_NEWER } from './redis-scripts.ts'
import { listText, readEntry, readList, restOf, type KeptList } from './redis-text.ts'

export type LevelName = 'local' | 'global'

export interface RedisLevelOptions {
  name: LevelName
  link: RedisLink
  log: Pick<DatabaseLog, 'warn' | 'debug'>
  /** Called for every command that brought nothing because of Redis. */
  failed: (name: LevelName) => void
  /** How long a reader waits. Two levels together must stay below 50 ms. */
  readDeadlineMs?: number
  /** Nobody waits for a write: only what is lost for good counts. */
  writeDeadlineMs?: number
}

/** An entry on its way into a level. */
export interface Placed {
  key: string
  entry: Entry
  ttlMs: number
}

/** Keys that one command writes. */
const WRITE_BATCH = 100
/** Keys that one step of a removal looks at. */
const SCAN_COUNT = 500

const newGeneration = (): string => randomBytes(8).toString('hex')

/**
 * A Redis as a level of the cache. Its content is trusted only since a generation that this process has seen begin: after
 * every write that may have been missed, and every lost connection, a new one is begun, and what is older counts no more.
 */
export class RedisLevel {
  readonly name: LevelName
  readonly #options: RedisLevelOptions
  #generation = ''
  #trusted = false
  #renewing = false
  /** Grows whenever something may have been missed. */
  #losses = 0

  constructor(options: RedisLevelOptions) {
    this.name = options.name
    this.#options = options
    const { client } = options.link
    client.on('close', () => this.#lose())
    client.on('ready', () => this.renew())
    if (client.status === 'ready') this.renew()
  }

  /** It can be used, as far as is known. */
  get isUp(): boolean {
    return this.#trusted && this.#options.link.client.status === 'ready'
  }

  /** The present generation as far as is known: to be read before the store is, and given to {@link fill}. */
  get generation(): string {
    return this.#generation
  }

  /** Begins a new generation, which forgets everything in all processes that share this Redis. */
  renew(): void {
    if (this.#renewing) return
    this.#renewing = true
    this.#trusted = false
    void this.#renew()
  }

  /** What stands under a key; undefined: nothing, or Redis cannot be used. */
  async read(key: string): Promise<Entry | undefined> {
    const reply = await this.#ask('cache_get', (client) => client.mget(GENERATION_KEY, key))
    const [generation, text] = reply ?? []
    if (typeof generation !== 'string') return undefined
    this.#generation = generation
    return typeof text === 'string' ? readEntry(key, text, generation) : undefined
  }

  /** @returns the list, when no change came after it, and the tag under which a new one would have to be kept */
  async readList(
    tagKey: string,
    key: string,
  ): Promise<{ list: KeptList | undefined; tag: string } | undefined> {
    const reply: unknown = await this.#ask('cache_get_list', (client) =>
      client.eval(GET_LIST, 3, GENERATION_KEY, tagKey, key),
    )
    if (!Array.isArray(reply)) return undefined
    const [generation, found, text, leftMs]: unknown[] = reply
    if (typeof generation !== 'string') return undefined
    this.#generation = generation
    const tag = typeof found === 'string' ? found : ''
    if (typeof text !== 'string' || typeof leftMs !== 'number') return { list: undefined, tag }
    return { list: readList(text, { generation, tag, leftMs }), tag }
  }

  /** Keeps what a reader found. Losing it loses nothing. @param generation as it was before the store was read */
  fill(placed: Placed, generation: string): void {
    if (!this.isUp) return
    void this.#set([placed], generation).catch((error: unknown) => this.#fail(error))
  }

  fillList(
    key: string,
    list: { tag: string; ttlMs: number; body: string },
    generation: string,
  ): void {
    if (!this.isUp || generation !== this.#generation) return
    const text = listText(generation, list.tag, list.ttlMs, list.body)
    const { link, writeDeadlineMs: deadlineMs = 250 } = this.#options
    link
      .run('cache_set_list', (client) => client.set(key, text, 'PX', list.ttlMs), { deadlineMs })
      .catch((error: unknown) => this.#fail(error))
  }

  /** Writes what was committed. When it cannot, the level is not trusted until it begins anew. */
  write(placed: readonly Placed[], tags: { keys: readonly string[]; ttlMs: number }): void {
    // First in the same connection: what follows belongs to the new generation.
    if (!this.#trusted) this.renew()
    const sent: Promise<unknown>[] = tags.keys.map((key) => this.#setTag(key, tags.ttlMs))
    for (let from = 0; from < placed.length; from += WRITE_BATCH) {
      sent.push(this.#set(placed.slice(from, from + WRITE_BATCH), this.#generation))
    }
    Promise.all(sent).catch((error: unknown) => {
      this.#lose()
      this.#fail(error)
    })
  }

  /** Removes keys by a pattern, step by step. @returns how many. @throws RedisUnavailable */
  async remove(pattern: string): Promise<number> {
    const { link, writeDeadlineMs: deadlineMs = 250 } = this.#options
    let removed = 0
    let cursor = '0'
    do {
      const [next, keys] = await link.run(
        'cache_scan',
        (client) => client.scan(cursor, 'MATCH', redisPatternOf(pattern), 'COUNT', SCAN_COUNT),
        { deadlineMs },
      )
      cursor = next
      const ours = keys.filter((key) => key !== GENERATION_KEY)
      if (ours.length === 0) continue
      removed += await link.run('cache_unlink', (client) => client.unlink(...ours), { deadlineMs })
    } while (cursor !== '0')
    return removed
  }

  async #renew(): Promise<void> {
    const losses = this.#losses
    const generation = newGeneration()
    this.#generation = generation
    const { link, log, writeDeadlineMs: deadlineMs = 250 } = this.#options
    try {
      await link.run('cache_renew', (client) => client.set(GENERATION_KEY, generation), {
        deadlineMs,
      })
      this.#trusted = losses === this.#losses
    } catch (error) {
      // Whoever needs the level next tries again.
      log.debug({ err: error, level: this.name }, 'no new cache generation could be begun')
    } finally {
      this.#renewing = false
    }
  }

  async #ask<T>(
    operation: string,
    command: (client: RedisLink['client']) => Promise<T>,
  ): Promise<T | undefined> {
    if (!this.#trusted) {
      this.renew()
      return undefined
    }
    const { link, readDeadlineMs: deadlineMs = 20 } = this.#options
    try {
      return await link.run(operation, command, { deadlineMs })
    } catch (error) {
      this.#fail(error)
      return undefined
    }
  }

  async #set(placed: readonly Placed[], generation: string): Promise<void> {
    const { link, writeDeadlineMs: deadlineMs = 250 } = this.#options
    const keys = placed.map(({ key }) => key)
    const values = placed.flatMap(({ entry, ttlMs }) => {
      const { full, bare } = restOf(entry)
      return [entry.stamp, ttlMs, full, bare]
    })
    const given = [GENERATION_KEY, ...keys, generation, newGeneration(), ...values]
    const reply = await link.run(
      'cache_set',
      (client) => client.eval(SET_IF_NEWER, keys.length + 1, ...given),
      { deadlineMs },
    )
    if (typeof reply === 'string') this.#generation = reply
  }

  #setTag(key: string, ttlMs: number): Promise<unknown> {
    const { link, writeDeadlineMs: deadlineMs = 250 } = this.#options
    return link.run('cache_set_tag', (client) => client.set(key, newGeneration(), 'PX', ttlMs), {
      deadlineMs,
    })
  }

  #lose(): void {
    this.#losses += 1
    this.#trusted = false
  }

  #fail(error: unknown): void {
    const { failed, log } = this.#options
    failed(this.name)
    log.debug({ err: error, level: this.name }, 'a cache level could not be used')
  }
}
