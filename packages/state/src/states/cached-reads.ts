import type { IncomingHttpHeaders } from 'node:http'
import type { ListAnswer, Loaded, StateCaching } from '../cache/index.ts'
import type { ExternalDb } from '../external-db/index.ts'
import { isNotFound } from './errors.ts'
import type { createQueries } from './queries.ts'
import { queryFromUrl, type UrlQuery } from './query.ts'
import type { createReads, When } from './reads.ts'
import { stateJson, type StateRow } from './state-row.ts'

/** What of the cache concerns reading. */
export type ReadCache = Pick<StateCaching, 'find' | 'list'>

export interface CachedReadsDeps {
  reads: Pick<ReturnType<typeof createReads>, 'one'>
  queries: Pick<ReturnType<typeof createQueries>, 'page'>
  /** Undefined: everything is read from the store. */
  cache: ReadCache | undefined
  /** Where else a state may be found that never was in the store. */
  elsewhere: Pick<ExternalDb, 'find'> | undefined
}

/** A state as JSON text. */
export interface OneAnswer {
  version: number
  body: string
  /** Which level answered; undefined: the cache was not asked. */
  level?: ListAnswer['level']
}

const answerOf = (row: StateRow): OneAnswer => ({ version: row.version, body: stateJson(row) })

/** Reads that may be answered by the cache. */
export function createCachedReads({ reads, queries, cache, elsewhere }: CachedReadsDeps) {
  /** @throws `missing` when it is nowhere */
  async function search(entity: string, id: string, missing: Error): Promise<Loaded> {
    const answer = await elsewhere?.find(entity, id)
    if (answer?.kind === 'found') {
      const { version } = answer.state
      return { version, body: JSON.stringify(answer.state), lasting: true, foreign: true }
    }
    if (answer?.kind !== 'unavailable') throw missing
    // All that is known is that it is not here.
    throw Object.assign(missing, { extension: { externalDb: 'unavailable' } })
  }

  async function loadOne(entity: string, id: string): Promise<Loaded> {
    try {
      const row = await reads.one(entity, id)
      // One that expires changes with every heartbeat, without a new version.
      return { version: row.version, body: stateJson(row), lasting: row.expires_at === null }
    } catch (error) {
      if (isNotFound(error)) return search(entity, id, error)
      throw error
    }
  }

  return {
    /** @throws 400, 404 */
    async one(
      place: { entity: string; id: string },
      when: When,
      headers: IncomingHttpHeaders,
    ): Promise<OneAnswer> {
      const { entity, id } = place
      if (when.at !== undefined || when.version !== undefined) {
        return answerOf(await reads.one(entity, id, when))
      }
      if (cache === undefined) return loadOne(entity, id)
      return cache.find(place, headers, () => loadOne(entity, id))
    },

    /** @throws 400, 404, 422 */
    async list(
      entity: string,
      question: UrlQuery,
      headers: IncomingHttpHeaders,
    ): Promise<ListAnswer> {
      const query = queryFromUrl(entity, question)
      const load = () => queries.page(query)
      return cache === undefined
        ? { body: await load() }
        : cache.list({ entity, question: query, headers }, load)
    },
  }
}
